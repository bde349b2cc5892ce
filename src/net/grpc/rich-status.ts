import type { Metadata } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

/** One field of a request that is not valid: `google.rpc.BadRequest.FieldViolation`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** The metadata key of a `google.rpc.Status`. The clients of all languages read it there. */
export const detailsKey = 'grpc-status-details-bin';

/** A `google.rpc.Status` with one detail, as bytes. */
export function encodeRichStatus(
  code: number,
  message: string,
  detail: { readonly fieldViolations: readonly FieldViolation[] } | { readonly retryAfterSeconds: number },
): Buffer {
  const [name, value] =
    'retryAfterSeconds' in detail
      ? ['RetryInfo', RetryInfo.encode({ retryDelay: { seconds: detail.retryAfterSeconds } }).finish()]
      : ['BadRequest', BadRequest.encode(detail).finish()];
  const details = [Any.create({ type_url: `${typeUrl}${name}`, value })];
  return Buffer.from(Status.encode({ code, message, details }).finish());
}

/** The field violations in the status of a failed call, if it has any. */
export function readViolations({ metadata }: { readonly metadata: Metadata }): readonly {
  readonly field: string;
  readonly detail: string;
}[] {
  const [bytes] = metadata.get(detailsKey);
  if (!Buffer.isBuffer(bytes)) return [];
  const { details = [] } = Status.toObject(Status.decode(bytes)) as {
    details?: { type_url: string; value: Uint8Array }[];
  };
  return details
    .filter(({ type_url }) => type_url === `${typeUrl}BadRequest`)
    .flatMap(({ value }) => {
      const { fieldViolations = [] } = BadRequest.toObject(BadRequest.decode(value)) as {
        fieldViolations?: FieldViolation[];
      };
      return fieldViolations.map(({ field, description }) => ({ field, detail: description }));
    });
}

const typeUrl = 'type.googleapis.com/google.rpc.';

// The parts of google/rpc/status.proto and error_details.proto that are used here, by their field numbers.
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
