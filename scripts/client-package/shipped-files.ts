import { fileURLToPath } from 'node:url';

// In the place of the service's own list of files: the package has the two protos of gRPC, one folder above the code.
const shipped = (name: string): string => fileURLToPath(new URL(`../proto/${name}`, import.meta.url));

export const protoFile = shipped('greet.proto');
export const healthProtoFile = shipped('health.proto');
