import type { Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { protoPath as healthProto } from 'grpc-health-check';
import { loadDescriptors } from './contract.ts';
import { Malformed, sparedMalformed } from './malformed.ts';

/** The fields of a request that the library looks up as they are, in tables that are plain objects. */
const lookedUp = ['fileByFilename', 'fileContainingSymbol', 'allExtensionNumbersOfType'];

/** Server reflection, v1 and v1alpha: the services and their messages, for clients without the proto. */
export function addReflection(server: Server): void {
  const reflection = new ReflectionService({ ...loadDescriptors(), ...loadSync(healthProto) });
  reflection.addToServer({
    addService(definition, implementation) {
      const [reading, handling] = sparedMalformed(definition, implementation);
      for (const method of Object.values(reading)) {
        const { requestDeserialize } = method;
        method.requestDeserialize = (bytes) => withoutInherited(requestDeserialize(bytes));
      }
      server.addService(reading, handling);
    },
  });
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
