import protobuf from 'protobufjs';
import { createObjectCodec, methodDefinition } from './protobuf-codec.ts';

/** One of the fields after `host` is set. */
export interface ReflectionRequest {
  readonly host: string;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly fileContainingExtension?: { readonly containingType: string; readonly extensionNumber: number };
  readonly allExtensionNumbersOfType?: string;
  readonly listServices?: string;
}

/** What a request asks for, or the code and message of an error. */
export type ReflectionResult =
  | { readonly fileDescriptorResponse: { readonly fileDescriptorProto: readonly Uint8Array[] } }
  | {
      readonly allExtensionNumbersResponse: {
        readonly baseTypeName: string;
        readonly extensionNumber: readonly number[];
      };
    }
  | { readonly listServicesResponse: { readonly service: readonly { readonly name: string }[] } }
  | { readonly errorResponse: { readonly errorCode: number; readonly errorMessage: string } };

export type ReflectionResponse = ReflectionResult & {
  readonly validHost: string;
  readonly originalRequest: ReflectionRequest;
};

// The messages of proto/grpc/reflection/v1/reflection.proto, by their field numbers. Those of v1alpha are the same.
const root = protobuf.Root.fromJSON({
  nested: {
    ServerReflectionRequest: {
      oneofs: {
        messageRequest: {
          oneof: [
            'fileByFilename',
            'fileContainingSymbol',
            'fileContainingExtension',
            'allExtensionNumbersOfType',
            'listServices',
          ],
        },
      },
      fields: {
        host: { type: 'string', id: 1 },
        fileByFilename: { type: 'string', id: 3 },
        fileContainingSymbol: { type: 'string', id: 4 },
        fileContainingExtension: { type: 'ExtensionRequest', id: 5 },
        allExtensionNumbersOfType: { type: 'string', id: 6 },
        listServices: { type: 'string', id: 7 },
      },
    },
    ExtensionRequest: {
      fields: { containingType: { type: 'string', id: 1 }, extensionNumber: { type: 'int32', id: 2 } },
    },
    ServerReflectionResponse: {
      oneofs: {
        messageResponse: {
          oneof: [
            'fileDescriptorResponse',
            'allExtensionNumbersResponse',
            'listServicesResponse',
            'errorResponse',
          ],
        },
      },
      fields: {
        validHost: { type: 'string', id: 1 },
        originalRequest: { type: 'ServerReflectionRequest', id: 2 },
        fileDescriptorResponse: { type: 'FileDescriptorResponse', id: 4 },
        allExtensionNumbersResponse: { type: 'ExtensionNumberResponse', id: 5 },
        listServicesResponse: { type: 'ListServiceResponse', id: 6 },
        errorResponse: { type: 'ErrorResponse', id: 7 },
      },
    },
    FileDescriptorResponse: { fields: { fileDescriptorProto: { rule: 'repeated', type: 'bytes', id: 1 } } },
    ExtensionNumberResponse: {
      fields: {
        baseTypeName: { type: 'string', id: 1 },
        extensionNumber: { rule: 'repeated', type: 'int32', id: 2 },
      },
    },
    ListServiceResponse: { fields: { service: { rule: 'repeated', type: 'ServiceResponse', id: 1 } } },
    ServiceResponse: { fields: { name: { type: 'string', id: 1 } } },
    ErrorResponse: {
      fields: { errorCode: { type: 'int32', id: 1 }, errorMessage: { type: 'string', id: 2 } },
    },
  },
});

/** The services of server reflection; https://github.com/grpc/grpc/blob/master/doc/server-reflection.md. */
export const reflectionServices = [
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
] as const;

/** The one method of a reflection service, for clients and servers. */
export function reflectionMethod(service: string) {
  return methodDefinition({
    path: `/${service}/ServerReflectionInfo`,
    request: createObjectCodec<ReflectionRequest>(root.lookupType('ServerReflectionRequest')),
    response: createObjectCodec<ReflectionResponse>(root.lookupType('ServerReflectionResponse')),
    requestStream: true,
    responseStream: true,
  });
}
