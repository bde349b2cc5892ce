import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { describeViolations, type Violation } from '../contract/violations.ts';
import { ServiceError, type ServiceErrorCode } from '../resilience/service-error.ts';

// The parts of google/rpc/status.proto and error_details.proto that we speak, by their field numbers.
const { Status, Any, BadRequest, RetryInfo } = protobuf.Root.fromJSON({
  nested: {
    Any: { fields: { type_url: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
    Status: {
      fields: {
        code: { type: 'int32', id: 1 },
        message: { type: 'string', id: 2 },
        details: { type: 'Any', id: 3, rule: 'repeated' },
      },
    },
    Duration: { fields: { seconds: { type: 'int64', id: 1 } } },
    RetryInfo: { fields: { retryDelay: { type: 'Duration', id: 1 } } },
    BadRequest: {
      fields: { fieldViolations: { type: 'FieldViolation', id: 1, rule: 'repeated' } },
      nested: {
        FieldViolation: {
          fields: { field: { type: 'string', id: 1 }, description: { type: 'string', id: 2 } },
        },
      },
    },
  },
}).nested as Record<'Status' | 'Any' | 'BadRequest' | 'RetryInfo', protobuf.Type>;

/** What each failure of the service is over gRPC. */
const codeOf = {
  unavailable: status.UNAVAILABLE,
  overloaded: status.UNAVAILABLE,
  limited: status.RESOURCE_EXHAUSTED,
} as const satisfies Record<ServiceErrorCode, status>;

/** The status of whatever was thrown or rejected: what it says only where that is safe to show, and when to ask again. */
export function statusOfError(
  error: unknown,
): Partial<StatusObject> & Pick<StatusObject, 'code' | 'details'> {
  if (error instanceof ServiceError) {
    const code = codeOf[error.code];
    // The same seconds that Retry-After says over HTTP.
    const retryInfo = RetryInfo.encode({ retryDelay: { seconds: error.retryAfterSeconds } }).finish();
    return {
      code,
      details: error.message,
      metadata: richMetadata(code, error.message, retryInfoUrl, retryInfo),
    };
  }
  return {
    code: status.INTERNAL,
    details: 'The service failed to answer. The cause is in its log, under this request id.',
  };
}

const retryInfoUrl = 'type.googleapis.com/google.rpc.RetryInfo';
const badRequestUrl = 'type.googleapis.com/google.rpc.BadRequest';
const detailsKey = 'grpc-status-details-bin';

/**
 * INVALID_ARGUMENT with a `google.rpc.BadRequest`, the same words as over HTTP, under the names
 * that the fields have in the message.
 */
export function invalidArgument(
  violations: readonly Violation[],
  fieldNames: Readonly<Record<string, string>>,
): StatusObject {
  const details = describeViolations(violations);
  const fieldViolations = violations.map(({ field, detail }) => ({
    field: fieldNames[field] ?? field,
    description: detail,
  }));
  const value = BadRequest.encode({ fieldViolations }).finish();
  const metadata = richMetadata(status.INVALID_ARGUMENT, details, badRequestUrl, value);
  return { code: status.INVALID_ARGUMENT, details, metadata };
}

/** A `google.rpc.Status` with one detail, where the clients of all languages look for it. */
function richMetadata(code: status, message: string, type_url: string, value: Uint8Array): Metadata {
  const metadata = new Metadata();
  const rich = { code, message, details: [Any.create({ type_url, value })] };
  metadata.set(detailsKey, Buffer.from(Status.encode(rich).finish()));
  return metadata;
}

/** The field violations of a status, where it has some. */
export function readViolations({ metadata }: { readonly metadata: Metadata }): readonly Violation[] {
  const [bytes] = metadata.get(detailsKey);
  if (!Buffer.isBuffer(bytes)) return [];
  const { details = [] } = Status.toObject(Status.decode(bytes)) as {
    details?: { type_url: string; value: Uint8Array }[];
  };
  return details
    .filter(({ type_url }) => type_url === badRequestUrl)
    .flatMap(({ value }) => {
      const { fieldViolations = [] } = BadRequest.toObject(BadRequest.decode(value)) as {
        fieldViolations?: { field: string; description: string }[];
      };
      return fieldViolations.map(({ field, description }) => ({ field, detail: description }));
    });
}
