import type { OutgoingHttpHeaders } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { type CallRefusalCode, requestIdKey } from './refusal.ts';

/** The meaning of each status that grpc-js makes itself. We refuse headers that lead to other statuses before grpc-js gets them. */
const meanings: Readonly<Record<number, CallRefusalCode>> = {
  [status.DEADLINE_EXCEEDED]: 'deadline-passed',
  [status.RESOURCE_EXHAUSTED]: 'message-too-long',
  [status.UNIMPLEMENTED]: 'message-count',
  [status.INTERNAL]: 'message-not-decompressed',
};

/** The meaning of the status in headers or trailers, if grpc-js made it. Every status of the service has a request id. */
export function libraryRefusal(headers: OutgoingHttpHeaders): CallRefusalCode | undefined {
  if (headers[requestIdKey] !== undefined) return undefined;
  return meanings[headers['grpc-status'] as unknown as number];
}
