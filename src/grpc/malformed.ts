import {
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type StatusObject,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

/** What stands for bytes that are not the message they should be: a handler refuses it in words, like any other bad input. */
export class Malformed {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }

  /** What its caller is told. */
  get outcome(): Pick<StatusObject, 'code' | 'details'> {
    return { code: status.INVALID_ARGUMENT, details: `The message cannot be read: ${this.reason}.` };
  }
}

/** The same reader, which never throws: grpc-js would answer INTERNAL, as if the service had failed. */
export function orMalformed<Message>(
  read: (bytes: Buffer) => Message,
): (bytes: Buffer) => Message | Malformed {
  return (bytes) => {
    try {
      return read(bytes);
    } catch (error) {
      return new Malformed(error instanceof Error ? error.message : 'it has another form');
    }
  };
}

type Call = ServerUnaryCall<unknown, unknown> & ServerDuplexStream<unknown, unknown>;
type Handler = (call: Call, callback?: (error: object) => void) => unknown;
type Added = [definition: ServiceDefinition, implementation: UntypedServiceImplementation];

/** A service whose handlers know nothing of {@link Malformed}, and are spared it: to be added to a server instead of the service. */
export function sparedMalformed(...[definition, implementation]: Added): Added {
  const reading = Object.entries(definition).map(([name, method]) => [
    name,
    { ...method, requestDeserialize: orMalformed(method.requestDeserialize) },
  ]);
  const handling = Object.entries(implementation).map(([name, handle]) => [name, spare(handle as Handler)]);
  return [Object.fromEntries(reading), Object.fromEntries(handling)];
}

function spare(handle: Handler): Handler {
  return (call, callback) => {
    const refuse = callback ?? ((error) => call.emit('error', error));
    if (call.request instanceof Malformed) return refuse(call.request.outcome);
    // A stream of requests; the call is over, whatever the handler writes after this.
    if (call.request === undefined) {
      call.on('data', (message) => {
        if (message instanceof Malformed) refuse(message.outcome);
      });
    }
    return handle(call, callback);
  };
}
