import { readFileSync } from 'node:fs';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { type DescriptorSet, type ProtoFile, readDescriptorSet } from '../net/grpc/descriptor-set.ts';
import { Malformed } from '../net/grpc/malformed-message.ts';
import type {
  ReflectionRequest,
  ReflectionResponse,
  ReflectionResult,
} from '../net/grpc/reflection-messages.ts';
import { descriptorsFile } from '../shipped-files.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type CallStatus, malformedStatus, withRequestId } from './status.ts';

type ReflectionCall = ServerDuplexStream<ReflectionRequest | Malformed, ReflectionResponse>;

/**
 * Server reflection: tells clients without the proto which services there are, and describes them. It answers as grpc-go does, from the
 * descriptors that the protobuf compiler made; they are read at the first call.
 */
export function createReflection(services: readonly string[], logger: Logger) {
  let descriptors: DescriptorSet | undefined;
  return function ServerReflectionInfo(call: ReflectionCall): void {
    const sent = new Set<string>();
    const fail = (outcome: CallStatus) => {
      call.pause();
      call.emit('error', withRequestId(outcome, call));
    };
    call.on('data', (request) => {
      if (request instanceof Malformed) return fail(malformedStatus(request));
      try {
        descriptors ??= readDescriptorSet(readFileSync(descriptorsFile));
        const result = answer(request, { services, descriptors, sent });
        if (result === undefined)
          return fail({ code: status.INVALID_ARGUMENT, details: 'The request asks for nothing.' });
        // One answer at a time. A client that reads none makes the service prepare no more.
        call.pause();
        call.write({ validHost: request.host, originalRequest: request, ...result }, () => call.resume());
      } catch (error) {
        logger.error({ err: error }, 'reflection failed');
        fail({ code: status.INTERNAL, details: 'The service failed to describe itself.' });
      }
    });
    call.on('end', () => call.end());
  };
}

interface Source {
  readonly services: readonly string[];
  readonly descriptors: DescriptorSet;
  /** The names of the files that were sent on this stream. */
  readonly sent: Set<string>;
}

function answer(
  request: ReflectionRequest,
  { services, descriptors, sent }: Source,
): ReflectionResult | undefined {
  const describe = (file: ProtoFile | undefined, subject: string): ReflectionResult =>
    file === undefined
      ? notFound(subject)
      : { fileDescriptorResponse: { fileDescriptorProto: withImports(file, descriptors, sent) } };

  if (request.fileByFilename !== undefined)
    return describe(descriptors.fileByName(request.fileByFilename), 'file');
  if (request.fileContainingSymbol !== undefined)
    return describe(descriptors.fileOfSymbol(request.fileContainingSymbol), 'symbol');
  if (request.fileContainingExtension !== undefined) {
    const { containingType, extensionNumber } = request.fileContainingExtension;
    return describe(descriptors.fileOfExtension(containingType, extensionNumber), 'extension');
  }
  if (request.allExtensionNumbersOfType !== undefined) {
    const type = request.allExtensionNumbersOfType;
    const extensionNumber = descriptors.extensionNumbersOf(type);
    if (extensionNumber === undefined) return notFound('type');
    return { allExtensionNumbersResponse: { baseTypeName: type, extensionNumber } };
  }
  if (request.listServices !== undefined)
    return { listServicesResponse: { service: services.map((name) => ({ name })) } };
  return undefined;
}

function notFound(subject: string): ReflectionResult {
  return {
    errorResponse: { errorCode: status.NOT_FOUND, errorMessage: `This server has no such ${subject}.` },
  };
}

/** The file, and the files that it imports, except those that were sent before. */
function withImports(file: ProtoFile, descriptors: DescriptorSet, sent: Set<string>): Uint8Array[] {
  const found: Uint8Array[] = [];
  const queue: (ProtoFile | undefined)[] = [file];
  for (const next of queue) {
    if (next === undefined || (found.length > 0 && sent.has(next.name))) continue;
    sent.add(next.name);
    found.push(next.descriptor);
    queue.push(...next.imports.map((name) => descriptors.fileByName(name)));
  }
  return found;
}
