import { readFileSync } from 'node:fs';
import type { MethodDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { healthProtoFile } from '../shipped-files.ts';
import { StrictReader } from './greet-service.ts';

export interface HealthRequest {
  /** A service by its full name; the server as a whole where it is empty. */
  readonly service: string;
}

export interface HealthResponse {
  readonly status: 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
}

/** SERVICE_UNKNOWN is a watcher's; a check that asks for such a service fails. */
export interface CheckResponse extends HealthResponse {
  readonly status: 'SERVING' | 'NOT_SERVING';
}

const proto = readFileSync(healthProtoFile, 'utf8');
let types: protobuf.Root | undefined;

/** Made of the proto when a message is first to be read or written: at the start of the program it would take a tenth of it. */
function typeOf(name: string): protobuf.Type {
  types ??= protobuf.parse(proto).root;
  return types.lookupType(`grpc.health.v1.${name}`);
}

function codec<Message extends object>(name: string) {
  return {
    encode(message: Message): Buffer {
      const type = typeOf(name);
      return type.encode(type.fromObject(message)).finish() as Buffer;
    },
    decode(bytes: Buffer): Message {
      const type = typeOf(name);
      return type.toObject(type.decode(new StrictReader(bytes)), {
        enums: String,
        defaults: true,
      }) as Message;
    },
  };
}

function method<Request extends object, Response extends object>(
  name: string,
  [request, response]: readonly [request: string, response: string],
  { isWatch = false } = {},
): MethodDefinition<Request, Response> {
  const requests = codec<Request>(request);
  const responses = codec<Response>(response);
  return {
    path: `/grpc.health.v1.Health/${name}`,
    requestStream: false,
    responseStream: isWatch,
    requestSerialize: requests.encode,
    requestDeserialize: requests.decode,
    responseSerialize: responses.encode,
    responseDeserialize: responses.decode,
  };
}

const check = ['HealthCheckRequest', 'HealthCheckResponse'] as const;

/** `grpc.health.v1.Health` for clients and servers; https://github.com/grpc/grpc/blob/master/doc/health-checking.md. */
export const healthService = {
  Check: method<HealthRequest, CheckResponse>('Check', check),
  Watch: method<HealthRequest, HealthResponse>('Watch', check, { isWatch: true }),
  List: method<object, { readonly statuses: Readonly<Record<string, HealthResponse>> }>('List', [
    'HealthListRequest',
    'HealthListResponse',
  ]),
} as const;
