import type {
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';

/** Stands for a request whose bytes are not the message that they should be. A handler answers it as it answers other bad input. */
export class Malformed {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The same methods, whose handlers get {@link Malformed}. After an exception grpc-js would answer INTERNAL, as if the service had failed. */
export function acceptMalformed(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => [
    name,
    { ...method, requestDeserialize: orMalformed(method.requestDeserialize) },
  ]);
  return Object.fromEntries(methods);
}

function orMalformed<Message>(decode: (bytes: Buffer) => Message): (bytes: Buffer) => Message | Malformed {
  return (bytes) => {
    try {
      return decode(bytes);
    } catch (error) {
      return new Malformed(error instanceof Error ? error.message : 'it has another form');
    }
  };
}

type Call = ServerUnaryCall<unknown, unknown> & ServerWritableStream<unknown, unknown>;
type Handler = (call: Call, callback?: (error: object) => void) => unknown;

/** The same handlers, of which none is called with {@link Malformed}: such a call ends with this status. Requests are not streamed. */
export function refuseMalformed(
  implementation: object,
  statusOf: (message: Malformed, call: Call) => object,
): UntypedServiceImplementation {
  const refuseBefore =
    (handler: Handler): Handler =>
    (call, callback) => {
      if (!(call.request instanceof Malformed)) return handler(call, callback);
      const status = statusOf(call.request, call);
      return callback ? callback(status) : call.emit('error', status);
    };
  const handlers = Object.entries(implementation).map(([name, handler]) => [name, refuseBefore(handler)]);
  return Object.fromEntries(handlers);
}
