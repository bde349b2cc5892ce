import { fileURLToPath } from 'node:url';

// Replaces the service's own list of files. In the package the proto is one folder above the code.
const shipped = (name: string): string => fileURLToPath(new URL(`../proto/${name}`, import.meta.url));

export const protoFile = shipped('greet.proto');
