import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { describeViolations, type Violation } from '../greeting/violations.ts';
import { detailsKey, encodeRichStatus } from '../net/grpc/rich-status.ts';
import type { AnswerCallRefusal, CallRefusalCode } from '../net/grpc/streams.ts';
import { defaultLimits } from '../net/limits.ts';
import { ServiceError, type ServiceErrorCode } from '../resilience/service-error.ts';

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

function withDetails(bytes: Buffer): Metadata {
  const metadata = new Metadata();
  metadata.set(detailsKey, bytes);
  return metadata;
}

/** The status of each refusal of the wire. */
const refusals = {
  'request-incomplete': {
    code: status.DEADLINE_EXCEEDED,
    details: 'The request did not arrive in time.',
  },
  'metadata-too-long': {
    code: status.RESOURCE_EXHAUSTED,
    details: `Metadata must have at most ${defaultLimits.maxHeaderBytes} bytes.`,
  },
} as const satisfies Record<CallRefusalCode, CallStatus>;

export const answerCallRefusal: AnswerCallRefusal = (code) => refusals[code];
