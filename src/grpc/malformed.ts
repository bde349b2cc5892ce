import {
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type StatusObject,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Malformed, orMalformed } from '../net/grpc/malformed.ts';
import { withRequestId } from './status.ts';

/** The status of a call whose message cannot be read. */
export function malformedStatus({ reason }: Malformed): Pick<StatusObject, 'code' | 'details'> {
  return { code: status.INVALID_ARGUMENT, details: `The message cannot be read: ${reason}.` };
}

type Call = ServerUnaryCall<unknown, unknown> & ServerWritableStream<unknown, unknown>;
type Handler = (call: Call, callback?: (error: object) => void) => unknown;
type Service = [definition: ServiceDefinition, implementation: UntypedServiceImplementation];

/** The same service, answering malformed messages by itself: its handlers do not handle {@link Malformed}. Requests are not streamed. */
export function refusingMalformed(...[definition, implementation]: Service): Service {
  const methods = Object.entries(definition).map(([name, method]) => [
    name,
    { ...method, requestDeserialize: orMalformed(method.requestDeserialize) },
  ]);
  const handlers = Object.entries(implementation).map(([name, handler]) => [
    name,
    refuseBefore(handler as Handler),
  ]);
  return [Object.fromEntries(methods), Object.fromEntries(handlers)];
}

function refuseBefore(handler: Handler): Handler {
  return (call, callback) => {
    const refuse = callback ?? ((error) => call.emit('error', error));
    if (call.request instanceof Malformed) return refuse(withRequestId(malformedStatus(call.request), call));
    return handler(call, callback);
  };
}
