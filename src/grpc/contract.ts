import protobuf from 'protobufjs';
import { createCodec, methodDefinition } from '../net/grpc/protobuf-codec.ts';
import { protoFile } from '../shipped-files.ts';

export const greetServiceName = 'greet.GreetService';

/** The request's `message` is the name. */
export interface GreetingRequestMessage {
  readonly message: string;
}

export interface GreetingResponseMessage {
  readonly message: string;
}

const root = protobuf.loadSync(protoFile);

/** A method of a service in `proto/`, for clients and servers. @throws {Error} if the proto has no such method. */
export function protoMethod<Request extends object, Response extends object>(service: string, name: string) {
  const method = root.lookupService(service).methods[name];
  method?.resolve();
  const { resolvedRequestType, resolvedResponseType } = method ?? {};
  if (!resolvedRequestType || !resolvedResponseType)
    throw new Error(`proto/greet.proto has no method ${service}/${name}.`);
  return methodDefinition({
    path: `/${service}/${name}`,
    request: createCodec<Request>(resolvedRequestType),
    response: createCodec<Response>(resolvedResponseType),
  });
}

export const greetService = {
  Greet: protoMethod<GreetingRequestMessage, GreetingResponseMessage>(greetServiceName, 'Greet'),
} as const;
