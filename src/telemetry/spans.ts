import type { Attributes } from '@opentelemetry/api';
import { type AddressOf, plainAddress } from '../net/client-address.ts';

/** Reads a header of a request, by its name in lower case. */
export type ReadHeader = (name: string) => string | undefined;

/** The sender of a request, as its connection and its headers report it. */
export interface Sender {
  /** The address of the other end of the connection. */
  readonly peer: string | undefined;
  readonly peerPort: number | undefined;
  /** `X-Forwarded-For`, which counts only if the peer is a trusted proxy. */
  readonly forwardedFor: string | undefined;
  readonly userAgent: string | undefined;
}

/** The description of a request when its span starts. It is made only for a sampled span. */
export interface SpanDescription {
  readonly name: string;
  readonly requestId: string;
  readonly sender: Sender;
  readonly attributes: Attributes;
}

/** Fields for the log lines of a request in a trace. `trace_flags` is 01 if the trace is sampled, so that it can be found. */
export type TraceIds = {
  readonly trace_id: string;
  readonly span_id?: string;
  readonly trace_flags: string;
};

/** The span of a request in progress. */
export interface ServerSpan {
  readonly ids: TraceIds;
  /** True if this span is exported. */
  readonly isExported: boolean;
  end(attributes: Attributes, isError: boolean): void;
}

export interface Tracing {
  /** False if only requests with a `traceparent` need {@link start}. */
  readonly startsTraces: boolean;
  /** Starts a server span, as a child of the client's if there is one. @returns undefined if the request is in no trace. */
  start(read: ReadHeader, describe: () => SpanDescription): ServerSpan | undefined;
  /** Sends the remaining spans, for at most this time in milliseconds. */
  shutdown(timeoutMs: number): Promise<void>;
}

// https://www.w3.org/TR/trace-context/#traceparent-header
const traceparent = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(?:$|-)/;

/** Without an SDK: the client's trace id appears in the log only. */
export const clientTracesOnly: Tracing = {
  startsTraces: false,
  start(read) {
    const header = read('traceparent');
    if (header === undefined) return undefined;
    const [, traceId, flags] = traceparent.exec(header) ?? [];
    return traceId === undefined || flags === undefined ? undefined : clientSpan(traceId, flags);
  },
  async shutdown() {},
};

/** The place of a request in the trace of its client. No span is made here. */
export function clientSpan(traceId: string, flags: string): ServerSpan {
  return { ids: { trace_id: traceId, trace_flags: flags }, isExported: false, end() {} };
}

/** The attributes of the sender, by the semantic conventions. The client's port is known only if no proxy is in between. */
export function describeSender(
  { peer, peerPort, forwardedFor, userAgent }: Sender,
  addressOf: AddressOf,
): Attributes {
  const address = addressOf(peer, forwardedFor);
  return {
    'client.address': plainAddress(address),
    'client.port': address === peer ? peerPort : undefined,
    'network.peer.address': peer && plainAddress(peer),
    'network.peer.port': peerPort,
    'user_agent.original': userAgent,
  };
}
