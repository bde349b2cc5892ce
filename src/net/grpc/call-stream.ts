import type {
  Http2Session,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
  ServerStreamResponseOptions,
} from 'node:http2';
import { ignore, type OpenStream } from '../http2/open-streams.ts';
import { FrameChecker, isWholeMessage } from './framing.ts';
import { libraryRefusal } from './library-status.ts';
import {
  type CallRefusalCode,
  type CallRefusalStatus,
  requestIdKey,
  trailersAfterHeaders,
  trailersOf,
} from './refusal.ts';

/** The events of a call, for the code that limits calls. */
export interface CallEvents {
  /** The request has arrived completely. */
  onRequestEnd(call: CallStream): void;
  onClosed(call: CallStream): void;
  /** Ends the call with the service's status. */
  refuse(call: CallStream, code: CallRefusalCode): void;
  /** Counts and logs a refusal that grpc-js sends. @returns the service's status for it. */
  answer(call: CallStream, code: CallRefusalCode): CallRefusalStatus;
}

type Listener = (() => void) | undefined;

const noHeaders: IncomingHttpHeaders = Object.freeze({});

/**
 * The stream that grpc-js gets for a call in place of a `ServerHttp2Stream`. It has the members that the library uses. It checks the frames
 * of the request before the library reads them, and replaces each status that the library makes by the service's: grpc-js has no event for
 * those. After the call it forgets the library's listeners, because Node may keep the HTTP/2 stream until a full garbage collection.
 */
export class CallStream implements OpenStream {
  readonly stream: ServerHttp2Stream;
  headers: IncomingHttpHeaders;
  stalled = 0;
  /** The request is complete, or refused. */
  isComplete = false;
  readonly #events: CallEvents;
  #frames: FrameChecker | undefined;
  #onData: ((chunk: Buffer) => void) | undefined;
  #onEnd: Listener;
  #onWantTrailers: Listener;
  #onClose: (() => void)[] = [];

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, events: CallEvents) {
    this.stream = stream;
    this.headers = headers;
    this.#events = events;
    stream.on('error', ignore);
  }

  get session(): Http2Session | undefined {
    return this.stream.session;
  }
  get destroyed(): boolean {
    return this.stream.destroyed;
  }
  get closed(): boolean {
    return this.stream.closed;
  }
  get rstCode(): number | undefined {
    return this.stream.rstCode;
  }

  on(event: 'data' | 'end', listener: () => void): void {
    if (event === 'data') {
      this.#onData = listener;
      this.stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    } else {
      this.#onEnd = listener;
      this.stream.on('end', () => this.#receiveEnd());
    }
  }
  once(event: 'error' | 'close' | 'wantTrailers', listener: () => void): void {
    if (event === 'close') this.#onClose.push(listener);
    if (event === 'wantTrailers') {
      this.#onWantTrailers = listener;
      this.stream.on('wantTrailers', () => this.#onWantTrailers?.());
    }
  }

  pause(): void {
    this.stream.pause();
  }
  resume(): void {
    this.stream.resume();
  }
  write(chunk: Buffer, callback: (error?: Error | null) => void): void {
    this.stream.write(chunk, callback);
  }
  end(): void {
    this.stream.end();
  }

  respond(headers: OutgoingHttpHeaders, options: ServerStreamResponseOptions): void {
    // We refused the call while grpc-js read it.
    if (this.stream.headersSent) return;
    const refusal = libraryRefusal(headers);
    // Once the request is complete, the handler has the call and counts the deadline.
    const isServed = refusal === undefined || (refusal === 'deadline-passed' && this.stream.readableEnded);
    // A response without this header is not compressed either. Each header takes 1 % of a call.
    const { 'grpc-encoding': _identity, ...served } = headers;
    this.stream.respond(isServed ? served : trailersOf(this.#events.answer(this, refusal)), options);
  }
  sendTrailers(trailers: OutgoingHttpHeaders): void {
    const hasRequestId = this.stream.sentHeaders?.[requestIdKey] !== undefined;
    const refusal = hasRequestId ? undefined : libraryRefusal(trailers);
    const isServed = refusal === undefined || refusal === 'deadline-passed';
    // OK needs no message. grpc-js sends the word "OK".
    if (trailers['grpc-status'] === 0) trailers['grpc-message'] = undefined;
    this.stream.sendTrailers(isServed ? trailers : trailersAfterHeaders(this.#events.answer(this, refusal)));
  }

  /** Ends the call with the service's status. grpc-js gets no more of the request, so it calls no handler. */
  refuse(code: CallRefusalCode): void {
    this.#onData = undefined;
    this.#onEnd = undefined;
    this.#events.refuse(this, code);
  }

  onClosed(): void {
    for (const listener of this.#onClose) listener();
    this.#events.onClosed(this);
    this.headers = noHeaders;
    this.#onData = undefined;
    this.#onEnd = undefined;
    this.#onWantTrailers = undefined;
    this.#onClose = [];
  }

  #receive(chunk: Buffer): void {
    if (this.#frames !== undefined || !isWholeMessage(chunk)) {
      this.#frames ??= new FrameChecker((this.headers['grpc-encoding'] ?? 'identity') !== 'identity');
      const fault = this.#frames.read(chunk);
      if (fault !== undefined) this.refuse(fault);
    }
    this.#onData?.(chunk);
  }

  #receiveEnd(): void {
    this.#events.onRequestEnd(this);
    if (this.#onEnd !== undefined && this.#frames?.isComplete === false) this.refuse('frame-incomplete');
    this.#onEnd?.();
  }
}
