import type { OutgoingHttpHeaders, ServerHttp2Stream, ServerStreamResponseOptions } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { type CallRefusalCode, type CallRefusalStatus, requestIdKey, trailersOf } from './refusal.ts';

/** What the statuses mean that grpc-js makes itself. Headers that would lead to others are refused before. */
const meanings: Readonly<Record<number, CallRefusalCode>> = {
  [status.DEADLINE_EXCEEDED]: 'deadline-passed',
  [status.RESOURCE_EXHAUSTED]: 'message-too-long',
  [status.UNIMPLEMENTED]: 'message-count',
  [status.INTERNAL]: 'message-not-decompressed',
};

/**
 * Watches what grpc-js sends on a stream, and puts the service's status in the place of its own. It has no event for them: a status of its
 * own passes by interceptors and handlers.
 *
 * @param answer called with the stream for each such status.
 * @returns a function to be called with each stream before grpc-js gets it.
 */
export function replaceLibraryStatus(
  answer: (stream: ServerHttp2Stream, code: CallRefusalCode) => CallRefusalStatus,
): (stream: ServerHttp2Stream) => void {
  const meaningOf = (headers: OutgoingHttpHeaders): CallRefusalCode | undefined =>
    headers[requestIdKey] === undefined ? meanings[headers['grpc-status'] as unknown as number] : undefined;

  function respond(
    this: ServerHttp2Stream,
    headers: OutgoingHttpHeaders = {},
    options?: ServerStreamResponseOptions,
  ): void {
    // The call was refused while grpc-js read it.
    if (this.headersSent) return;
    if (headers[requestIdKey] === undefined) {
      const meaning = meaningOf(headers);
      // Once the request is complete the service has the call, and counts its deadline.
      const isServed = meaning === 'deadline-passed' && this.readableEnded;
      if (meaning !== undefined && !isServed) headers = trailersOf(answer(this, meaning));
      // A response that has begun without a status may still end with one of grpc-js.
      if (headers['grpc-status'] === undefined) this.sendTrailers = sendTrailers;
    }
    prototypeOf(this).respond.call(this, headers, options);
  }
  function sendTrailers(this: ServerHttp2Stream, trailers: OutgoingHttpHeaders): void {
    const meaning = meaningOf(trailers);
    const isReplaced = meaning !== undefined && meaning !== 'deadline-passed';
    prototypeOf(this).sendTrailers.call(this, isReplaced ? withoutHeaders(answer(this, meaning)) : trailers);
  }
  return (stream) => {
    stream.respond = respond;
  };
}

function withoutHeaders(answer: CallRefusalStatus): OutgoingHttpHeaders {
  const { ':status': _status, 'content-type': _type, ...trailers } = trailersOf(answer);
  return trailers;
}

function prototypeOf(stream: ServerHttp2Stream): ServerHttp2Stream {
  return Object.getPrototypeOf(stream) as ServerHttp2Stream;
}
