/**
 * Every limit of the wire. Times are in milliseconds and sizes in bytes; a name ends in its unit. Tests pass shorter times. A sweep is one
 * pass of a timer over all sockets or streams: one timer for all of them costs less than a timer for each.
 */
export interface Limits {
  /** From the first byte of a TLS handshake to the last. An honest handshake takes three round trips. */
  readonly handshakeTimeoutMs: number;
  /** From the first byte of a request to the end of its headers. A slow sender holds a connection no longer than this. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  /** From the start of an HTTP/2 connection to its first request. */
  readonly firstRequestTimeoutMs: number;
  /** Between two sweeps. The times above are exceeded by this at most. */
  readonly sweepIntervalMs: number;
  /** Sweeps in a row without progress after which a stream or socket that waits for its peer is closed: 10 s. */
  readonly stalledSweeps: number;
  /** The same for a socket that this side has ended and the peer has not closed: 3 s. */
  readonly endedSweeps: number;
  /** How long to wait for requests that a client sent before it read our GOAWAY. */
  readonly goawayGraceMs: number;
  /** How long a socket stays open after its calls are cut, so that the last frames are sent. */
  readonly lastFramesMs: number;
  /** Between two reads of the certificate files. */
  readonly certificateIntervalMs: number;

  /** The request target. The longest valid name takes 1,200 bytes, percent-encoded. */
  readonly maxTargetBytes: number;
  /** The request line and all headers, over every protocol. */
  readonly maxHeaderBytes: number;

  /** Open connections on one address; further ones are closed on arrival. An idle HTTP connection costs about 10 kB. */
  readonly maxHttpConnections: number;
  /** The same for gRPC. An idle gRPC connection costs about 30 kB. */
  readonly maxGrpcConnections: number;
  /** The same for TLS. An idle TLS connection costs about 80 kB. */
  readonly maxTlsConnections: number;
  /** HTTP/2 streams on one connection. */
  readonly maxStreamsPerConnection: number;
  /** What one HTTP/2 connection may hold in the library, in MB. */
  readonly maxSessionMemoryMb: number;
  /** Requests that wait behind another one on the same HTTP/1.1 connection. Node keeps their responses in memory until they are sent. */
  readonly maxPipelined: number;
  /** The same on all connections together. */
  readonly maxPipelinedTotal: number;
  /** Open streams on all connections. A further one is refused with REFUSED_STREAM, which lets its client retry. */
  readonly maxStreams: number;
  /** HTTP/2 responses that wait for their clients. Beyond this, each new request cancels an old one; each may hold 128 kB. */
  readonly maxStalledResponses: number;
  /** How many of the oldest streams are searched for one to cancel. */
  readonly maxSearched: number;
  /** gRPC calls whose request has not arrived completely. Beyond this, the oldest is cancelled. */
  readonly maxIncompleteCalls: number;

  /** Resets by one client in one sweep. nghttp2's own limit is higher, and leaves the connection open. */
  readonly maxResets: number;
  /** Resets that a request counts as if it is cancelled in the tick in which it arrives. No honest client does that. */
  readonly resetsPerInstantCancel: number;
  /** Resets that oversized headers count as. HPACK lets a client send them in a hundredth of their size. */
  readonly resetsPerOversizedHeaders: number;
}

export const defaultLimits: Limits = Object.freeze({
  handshakeTimeoutMs: 5_000,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  firstRequestTimeoutMs: 5_000,
  sweepIntervalMs: 1_000,
  stalledSweeps: 10,
  endedSweeps: 2,
  goawayGraceMs: 250,
  lastFramesMs: 100,
  certificateIntervalMs: 1_000,

  maxTargetBytes: 4_096,
  maxHeaderBytes: 8_192,

  maxHttpConnections: 4_096,
  maxGrpcConnections: 1_024,
  maxTlsConnections: 384,
  maxStreamsPerConnection: 100,
  maxSessionMemoryMb: 1,
  maxPipelined: 100,
  maxPipelinedTotal: 2_000,
  maxStreams: 4_096,
  maxStalledResponses: 256,
  maxSearched: 16,
  maxIncompleteCalls: 512,

  maxResets: 500,
  resetsPerInstantCancel: 10,
  resetsPerOversizedHeaders: 50,
});
