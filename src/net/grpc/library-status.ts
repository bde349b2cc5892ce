import type { OutgoingHttpHeaders } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { type CallRefusalCode, requestIdKey } from './refusal.ts';

/** What the statuses mean that grpc-js makes itself. Headers that would lead to others are refused before. */
const meanings: Readonly<Record<number, CallRefusalCode>> = {
  [status.DEADLINE_EXCEEDED]: 'deadline-passed',
  [status.RESOURCE_EXHAUSTED]: 'message-too-long',
  [status.UNIMPLEMENTED]: 'message-count',
  [status.INTERNAL]: 'message-not-decompressed',
};

/** The meaning of the status in these headers or trailers if grpc-js made it: every status of the service has a request id. */
export function libraryRefusal(headers: OutgoingHttpHeaders): CallRefusalCode | undefined {
  if (headers[requestIdKey] !== undefined) return undefined;
  return meanings[headers['grpc-status'] as unknown as number];
}
