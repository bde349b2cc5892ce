import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { MethodDefinition } from '@grpc/grpc-js';
import { descriptorsFile } from '../../src/shipped-files.ts';

export const descriptorSet = fromBinary(FileDescriptorSetSchema, readFileSync(descriptorsFile));

/** The contents of `proto/`, read by another protobuf implementation than the service's. */
export const registry = createFileRegistry(descriptorSet);

export function messageType(name: string) {
  const type = registry.getMessage(name);
  if (!type) throw new Error(`proto/ has no message ${name}`);
  return type;
}

/** A method whose messages are given as JSON and encoded by that other implementation. */
export function jsonMethod(service: string, name: string): MethodDefinition<JsonValue, JsonValue> {
  const method = registry.getService(service)?.methods.find((candidate) => candidate.name === name);
  if (!method) throw new Error(`proto/ has no method ${service}/${name}`);
  const { input, output } = method;
  return {
    path: `/${service}/${name}`,
    requestStream: method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind !== 'unary',
    requestSerialize: (message) => Buffer.from(toBinary(input, fromJson(input, message))),
    requestDeserialize: (bytes) => toJson(input, fromBinary(input, bytes)),
    responseSerialize: (message) => Buffer.from(toBinary(output, fromJson(output, message))),
    responseDeserialize: (bytes) => toJson(output, fromBinary(output, bytes)),
  };
}
