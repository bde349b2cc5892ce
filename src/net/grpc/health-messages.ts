import protobuf from 'protobufjs';
import { createObjectCodec, methodDefinition } from './protobuf-codec.ts';

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

const statuses = { keyType: 'string', type: 'HealthCheckResponse', id: 1 };
// The messages of proto/grpc/health/v1/health.proto, by their field numbers.
const root = protobuf.Root.fromJSON({
  nested: {
    HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
    HealthCheckResponse: {
      fields: { status: { type: 'ServingStatus', id: 1 } },
      nested: { ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } } },
    },
    HealthListRequest: { fields: {} },
    HealthListResponse: { fields: { statuses } },
  },
});

export const healthServiceName = 'grpc.health.v1.Health';
const codec = <Message extends object>(name: string) => createObjectCodec<Message>(root.lookupType(name));
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
