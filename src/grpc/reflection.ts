import { setImmediate } from 'node:timers/promises';
import {
  type handleBidiStreamingCall,
  type MethodDefinition,
  type Server,
  type ServerDuplexStream,
  status,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { healthProtoFile } from '../net/grpc/health-messages.ts';
import { Malformed } from '../net/grpc/malformed.ts';
import { protoFile } from '../shipped-files.ts';
import { refusingMalformed } from './malformed.ts';

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
export function addReflection(server: Server, logger: Logger): void {
  let methods: Promise<ReadonlyMap<string, Method>> | undefined;
  const gatherOnce = () => {
    methods ??= gatherMethods().catch((error: unknown) => {
      methods = undefined;
      throw error;
    });
    return methods;
  };
  for (const version of ['v1', 'v1alpha']) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const ServerReflectionInfo: MethodDefinition<Buffer, Buffer> = {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
    server.addService(
      { ServerReflectionInfo },
      {
        ServerReflectionInfo(call: ServerDuplexStream<Buffer, Buffer>) {
          const fail = (error: unknown) => {
            logger.error({ err: error }, 'reflection failed');
            call.emit('error', { code: status.INTERNAL, details: 'The services cannot be told.' });
          };
          gatherOnce()
            .then((gathered) => {
              const { definition, handle } = gathered.get(path) as Method;
              handle(speaking(call, definition, fail));
            })
            .catch(fail);
        },
      },
    );
  }
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

/** A call of bytes as one of messages: as much of it as the library's handlers use. */
function speaking(
  call: ServerDuplexStream<Buffer, Buffer>,
  { requestDeserialize, responseSerialize }: MethodDefinition<object, object>,
  fail: (error: unknown) => void,
): ServerDuplexStream<object, object> {
  const spoken = {
    on(event: string, listener: (value?: unknown) => void) {
      if (event !== 'data') return call.on(event, listener);
      return call.on('data', (bytes: Buffer) => {
        try {
          listener(requestDeserialize(bytes));
        } catch (error) {
          fail(error);
        }
      });
    },
    write: (message: object) => call.write(responseSerialize(message)),
    end: () => call.end(),
    emit: (event: string, value: unknown) => call.emit(event, value),
  };
  return spoken as unknown as ServerDuplexStream<object, object>;
}

/** The library's methods by their paths. Other calls are answered in between, as all of it takes some 50 ms. */
async function gatherMethods(): Promise<ReadonlyMap<string, Method>> {
  const { loadSync } = await import('@grpc/proto-loader');
  await setImmediate();
  const { ReflectionService } = await import('@grpc/reflection');
  await setImmediate();
  const methods = new Map<string, Method>();
  const reflection = new ReflectionService({ ...loadSync(protoFile), ...loadSync(healthProtoFile) });
  reflection.addToServer({
    addService(service, implementation) {
      const [reading, handling] = refusingMalformed(service, implementation);
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
