import { status } from '@grpc/grpc-js';
import type { ClientOf } from '../net/client-address.ts';
import {
  type AnswerCallRefusal,
  acceptedEncodings,
  type CallRefusalCode,
  requestIdKey,
} from '../net/grpc/refusal.ts';
import { defaultLimits } from '../net/limits.ts';
import { maxTextLength } from '../telemetry/access-log.ts';
import { unmatchedRoute } from '../telemetry/recorder.ts';
import { takeRequestId } from '../telemetry/request-id.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { CallStatus } from './status.ts';

/** The status of each refusal of the wire. The code is the protocol's where it names one. `message-too-long` depends on a setting. */
const statuses = {
  'not-http2': {
    code: status.INTERNAL,
    details: 'The connection does not begin as HTTP/2 does.',
  },
  'not-post': {
    code: status.INTERNAL,
    details: 'This port speaks gRPC, whose calls are POST requests over HTTP/2.',
  },
  'not-grpc': {
    code: status.INVALID_ARGUMENT,
    details: 'This port speaks gRPC: the content type must be application/grpc or application/grpc+proto.',
  },
  'metadata-too-long': {
    code: status.RESOURCE_EXHAUSTED,
    details: `Metadata must have at most ${defaultLimits.maxHeaderBytes} bytes.`,
  },
  'method-unknown': {
    code: status.UNIMPLEMENTED,
    details: 'There is no such method here. Server reflection lists the services.',
  },
  'timeout-malformed': {
    code: status.INTERNAL,
    details: 'The value of grpc-timeout must be 1 to 8 digits and a unit: H, M, S, m, u or n.',
  },
  'encoding-unknown': {
    code: status.UNIMPLEMENTED,
    details: `The encoding of the messages is not supported. Supported are ${acceptedEncodings.join(', ')}.`,
  },
  'frame-malformed': {
    code: status.INTERNAL,
    details: 'The flag before a message must be 0 or 1.',
  },
  'frame-incomplete': {
    code: status.INTERNAL,
    details: 'The request ended in the middle of a message.',
  },
  'encoding-missing': {
    code: status.INTERNAL,
    details: 'A message is marked as compressed, but grpc-encoding names no compression.',
  },
  'message-count': {
    code: status.UNIMPLEMENTED,
    details: 'This method takes exactly one message.',
  },
  'message-not-decompressed': {
    code: status.INTERNAL,
    details: 'A message is not compressed as grpc-encoding says.',
  },
  'deadline-passed': {
    code: status.DEADLINE_EXCEEDED,
    details: 'The deadline passed before the request was complete.',
  },
  // Clients report this code for a stream that is reset with REFUSED_STREAM.
  'too-many-calls': {
    code: status.UNAVAILABLE,
    details: 'Too many calls are open.',
  },
  'request-incomplete': {
    code: status.DEADLINE_EXCEEDED,
    details: 'The request did not arrive in time.',
  },
} as const satisfies Record<Exclude<CallRefusalCode, 'message-too-long'>, CallStatus>;

interface CallRefusalOptions {
  /** The paths of all methods. */
  readonly methods: ReadonlySet<string>;
  readonly maxMessageBytes: number;
  readonly clientOf: ClientOf;
}

/** Answers calls that the wire refused. No handler runs for them, so they are counted and logged here. */
export function createCallRefusalAnswer(
  { logger, recorder }: Telemetry,
  { methods, maxMessageBytes, clientOf }: CallRefusalOptions,
): AnswerCallRefusal {
  const refusals: Record<CallRefusalCode, CallStatus> = {
    ...statuses,
    'message-too-long': {
      code: status.RESOURCE_EXHAUSTED,
      details: `A message must have at most ${maxMessageBytes} bytes.`,
    },
  };
  return function answerCallRefusal({ code: refusal, headers, peer }) {
    const { code, details } = refusals[refusal];
    const requestId = takeRequestId(headers[requestIdKey]);
    const path = headers[':path'] ?? '';
    recorder.callRefused(status[code]);
    logger.info(
      {
        requestId,
        // Not the path of the client, which can be any text.
        method: methods.has(path) ? path.slice(1) : unmatchedRoute,
        code: status[code],
        reason: details,
        client: peer && clientOf(peer, headers['x-forwarded-for']?.toString()),
        userAgent: headers['user-agent']?.slice(0, maxTextLength),
      },
      'call refused',
    );
    return { code, details, metadata: { [requestIdKey]: requestId } };
  };
}
