import protobuf from 'protobufjs';
import { expect, it } from 'vitest';
import { protoFile } from '../../src/shipped-files.ts';
import { descriptorSet, registry } from '../support/proto.ts';

/** Everything that greet.proto declares, as its text is read where no compiler is at hand. */
function declared() {
  const services: Record<string, unknown> = {};
  const messages: Record<string, unknown> = {};
  const visit = (scope: protobuf.NamespaceBase) => {
    for (const item of scope.nestedArray) {
      const name = item.fullName.slice(1);
      if (item instanceof protobuf.Service) services[name] = item.methodsArray.map((method) => method.name);
      if (item instanceof protobuf.Type)
        messages[name] = item.fieldsArray.map(({ id, name: field }) => `${id} ${field}`);
      if (item instanceof protobuf.Namespace) visit(item);
    }
  };
  visit(protobuf.loadSync(protoFile).resolveAll());
  return { services, messages };
}

it('has descriptors of what greet.proto says now: npm run proto', () => {
  const { services, messages } = declared();
  expect(Object.keys(services)).not.toEqual([]);
  for (const [name, methods] of Object.entries(services))
    expect({ [name]: registry.getService(name)?.methods.map((method) => method.name) }).toEqual({
      [name]: methods,
    });
  for (const [name, fields] of Object.entries(messages)) {
    const found = registry.getMessage(name)?.fields.map((field) => `${field.number} ${field.localName}`);
    expect({ [name]: found }).toEqual({ [name]: fields });
  }
});

it('has descriptors of all imports', () => {
  const names = descriptorSet.file.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(descriptorSet.file.flatMap(({ dependency }) => dependency)));
});
