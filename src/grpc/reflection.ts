import { createRequire } from 'node:module';
import type { handleBidiStreamingCall, MethodDefinition, Server, ServerDuplexStream } from '@grpc/grpc-js';
import { healthProtoFile, protoFile } from '../files.ts';
import { Malformed, sparedMalformed } from './malformed.ts';

/** Loads at once, as import() does not. */
const load = createRequire(import.meta.url);

/** The fields of a request that the library looks up as they are, in tables that are plain objects. */
const lookedUp = ['fileByFilename', 'fileContainingSymbol', 'allExtensionNumbersOfType'];

interface Method {
  readonly definition: MethodDefinition<object, object>;
  readonly handle: handleBidiStreamingCall<object, object>;
}

/**
 * Server reflection, v1 and v1alpha: the services and their messages, for clients without the proto. Loaded when somebody asks
 * for the first time: at the start of the program it would take a tenth of it.
 */
export function addReflection(server: Server): void {
  let methods: ReadonlyMap<string, Method> | undefined;
  for (const version of ['v1', 'v1alpha']) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const method = (): Method => {
      methods ??= gatherMethods();
      return methods.get(path) as Method;
    };
    const definition: MethodDefinition<object, object> = {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: (request) => method().definition.requestSerialize(request),
      requestDeserialize: (bytes) => method().definition.requestDeserialize(bytes),
      responseSerialize: (response) => method().definition.responseSerialize(response),
      responseDeserialize: (bytes) => method().definition.responseDeserialize(bytes),
    };
    server.addService(
      { ServerReflectionInfo: definition },
      {
        ServerReflectionInfo: (call: ServerDuplexStream<object, object>) => method().handle(call),
      },
    );
  }
}

/** The library's methods by their paths. */
function gatherMethods(): ReadonlyMap<string, Method> {
  const methods = new Map<string, Method>();
  const { ReflectionService } = load('@grpc/reflection') as typeof import('@grpc/reflection');
  const { loadSync } = load('@grpc/proto-loader') as typeof import('@grpc/proto-loader');
  const reflection = new ReflectionService({ ...loadSync(protoFile), ...loadSync(healthProtoFile) });
  reflection.addToServer({
    addService(service, implementation) {
      const [reading, handling] = sparedMalformed(service, implementation);
      for (const [name, definition] of Object.entries(reading)) {
        const { requestDeserialize } = definition;
        methods.set(definition.path, {
          definition: {
            ...definition,
            requestDeserialize: (bytes) => withoutInherited(requestDeserialize(bytes)),
          },
          handle: handling[name] as Method['handle'],
        });
      }
    },
  });
  return methods;
}

/** There is no proto called `constructor`, whatever a plain object says: such a name is made one that is nowhere to be found. */
function withoutInherited(request: object): object {
  if (request instanceof Malformed) return request;
  const names = request as Record<string, unknown>;
  for (const field of lookedUp) {
    const name = names[field];
    if (typeof name === 'string' && name in Object.prototype) names[field] = `.${name}`;
  }
  return request;
}
