import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import protobuf from 'protobufjs';
import { createObjectCodec, methodDefinition } from './codec.ts';

export interface HealthRequest {
  /** A service by its full name; the server as a whole if it is empty. */
  readonly service: string;
}

export interface HealthResponse {
  readonly status: 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
}

/** Only Watch answers SERVICE_UNKNOWN. Check fails for a service that is not known. */
export interface CheckResponse extends HealthResponse {
  readonly status: 'SERVING' | 'NOT_SERVING';
}

export interface ListResponse {
  readonly statuses: Readonly<Record<string, HealthResponse>>;
}

const healthServiceName = 'grpc.health.v1.Health';

/** The proto of `grpc.health.v1`, in the package that ships it. */
export const healthProtoFile = createRequire(import.meta.url).resolve(
  'grpc-health-check/proto/health/v1/health.proto',
);
const proto = readFileSync(healthProtoFile, 'utf8');
let root: protobuf.Root | undefined;

/** Parses the proto when the first message is read or written: at start it would take a tenth of the time. */
function codec<Message extends object>(name: string) {
  return createObjectCodec<Message>(() => {
    root ??= protobuf.parse(proto).root;
    return root.lookupType(`grpc.health.v1.${name}`);
  });
}

const checkRequest = codec<HealthRequest>('HealthCheckRequest');

/** `grpc.health.v1.Health` for clients and servers; https://github.com/grpc/grpc/blob/master/doc/health-checking.md. */
export const healthService = {
  Check: methodDefinition({
    path: `/${healthServiceName}/Check`,
    request: checkRequest,
    response: codec<CheckResponse>('HealthCheckResponse'),
  }),
  Watch: methodDefinition({
    path: `/${healthServiceName}/Watch`,
    request: checkRequest,
    response: codec<HealthResponse>('HealthCheckResponse'),
    responseStream: true,
  }),
  List: methodDefinition({
    path: `/${healthServiceName}/List`,
    request: codec<object>('HealthListRequest'),
    response: codec<ListResponse>('HealthListResponse'),
  }),
} as const;
