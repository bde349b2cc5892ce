import type { IncomingHttpHeaders } from 'node:http2';
import { acceptedEncodings, type CallRefusalCode } from './refusal.ts';

/**
 * Checks the headers of a call by https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. grpc-js
 * accepts any HTTP method, any content type that begins with `application/grpc`, any text that contains a timeout, and any encoding until
 * a message is compressed.
 */
export function headerRefusal(
  headers: IncomingHttpHeaders,
  methods: ReadonlySet<string>,
): CallRefusalCode | undefined {
  if (headers[':method'] !== 'POST') return 'not-post';
  if (headers['content-type'] !== grpcType && !takeGrpcType(headers)) return 'not-grpc';
  if (!methods.has(headers[':path'] as string)) return 'method-unknown';
  const timeout = headers['grpc-timeout'];
  if (timeout !== undefined && !takeTimeout(headers, timeout as string)) return 'timeout-malformed';
  const encoding = headers['grpc-encoding'];
  if (encoding !== undefined && !acceptedEncodings.includes(encoding as string)) return 'encoding-unknown';
  // No handler gets these headers: grpc-js checks and copies each of them before it removes them.
  delete headers.te;
  delete headers['grpc-accept-encoding'];
  return undefined;
}

const grpcType = 'application/grpc';
/** Protobuf is the only format: `+json` is refused. */
const grpcPattern = /^application\/grpc(?:\+proto)?[ \t]*(?:;|$)/i;
const timeoutPattern = /^(\d{1,8})([HMSmun])$/;
const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000 };

/** The longest time of a timer. grpc-js ends a call at once if its timeout is longer. */
const maxTimeoutMs = 2 ** 31 - 1;

/** Replaces other spellings of the content type by the shortest one. @returns whether it is gRPC's. */
function takeGrpcType(headers: IncomingHttpHeaders): boolean {
  if (!grpcPattern.test(headers['content-type'] ?? '')) return false;
  headers['content-type'] = grpcType;
  return true;
}

/** Removes a timeout of more than 24 days: no call takes so long. @returns whether it is a timeout. */
function takeTimeout(headers: IncomingHttpHeaders, timeout: string): boolean {
  const [, amount, unit = ''] = timeoutPattern.exec(timeout) ?? [];
  if (amount === undefined) return false;
  if (Number(amount) * (unitMs[unit] ?? 1) > maxTimeoutMs) delete headers['grpc-timeout'];
  return true;
}
