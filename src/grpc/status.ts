import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { describeViolations, type Violation } from '../greeting/invalid-request.ts';
import type { Malformed } from '../net/grpc/malformed-message.ts';
import { requestIdKey } from '../net/grpc/refusal.ts';
import { detailsKey, encodeRichStatus } from '../net/grpc/rich-status.ts';
import { ServiceError, type ServiceErrorCode } from '../resilience/service-error.ts';
import { takeRequestId } from '../telemetry/request-id.ts';

/** The status of a call, with what is needed to send it. */
export type CallStatus = Pick<StatusObject, 'code' | 'details'> & Partial<StatusObject>;

/** The code of each failure of the service over gRPC. */
const codeOf = {
  unavailable: status.UNAVAILABLE,
  overloaded: status.UNAVAILABLE,
  limited: status.RESOURCE_EXHAUSTED,
} as const satisfies Record<ServiceErrorCode, status>;

/** The status of whatever was thrown. A ServiceError says when to retry; the message of any other error is not sent. */
export function statusOfError(error: unknown): CallStatus {
  if (error instanceof ServiceError) {
    const { message, retryAfterSeconds } = error;
    const code = codeOf[error.code];
    return {
      code,
      details: message,
      metadata: withDetails(encodeRichStatus(code, message, { retryAfterSeconds })),
    };
  }
  return {
    code: status.INTERNAL,
    details: 'The service failed to answer. The cause is in its log, under this request id.',
  };
}

/** INVALID_ARGUMENT with `google.rpc.BadRequest`: the same words as over HTTP, with the message's own field names. */
export function invalidArgument(
  violations: readonly Violation[],
  fieldNames: Readonly<Record<string, string>>,
): StatusObject {
  const code = status.INVALID_ARGUMENT;
  const details = describeViolations(violations);
  const fieldViolations = violations.map(({ field, detail }) => ({
    field: fieldNames[field] ?? field,
    description: detail,
  }));
  return {
    code,
    details,
    metadata: withDetails(encodeRichStatus(code, details, { fieldViolations })),
  };
}

/** The status of a call whose message cannot be read. */
export function malformedStatus({ reason }: Malformed): Pick<StatusObject, 'code' | 'details'> {
  return { code: status.INVALID_ARGUMENT, details: `The message cannot be read: ${reason}.` };
}

function withDetails(bytes: Buffer): Metadata {
  const metadata = new Metadata();
  metadata.set(detailsKey, bytes);
  return metadata;
}

/** The status, sent under the request's id: the client's own or a new one. */
export function withRequestId(outcome: CallStatus, call: { readonly metadata: Metadata }): CallStatus {
  const metadata = outcome.metadata ?? new Metadata();
  metadata.set(requestIdKey, takeRequestId(call.metadata.get(requestIdKey)[0]));
  return { ...outcome, metadata };
}
