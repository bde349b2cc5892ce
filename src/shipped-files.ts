import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A file that ships beside the code; found from here, one folder below the package, as source, compiled or bundled. */
const shipped = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

export const protoFile = shipped('proto/greet.proto');
export const openApiFiles = { json: shipped('openapi/openapi.json'), yaml: shipped('openapi/openapi.yaml') };
export const packageFile = shipped('package.json');
/** That of `grpc.health.v1`, in the package that ships it. */
export const healthProtoFile = createRequire(import.meta.url).resolve(
  'grpc-health-check/proto/health/v1/health.proto',
);
