/** The options of both clients. */
export interface ClientOptions {
  /** How long a call may take with all its attempts, in milliseconds. Default: 5000. */
  readonly timeoutMs?: number | undefined;
  /**
   * How often a call is tried while the service is unavailable: at most 10 times over HTTP, 5 over gRPC. Default: 3. A greeting
   * changes nothing, so it can be repeated.
   */
  readonly attempts?: number | undefined;
  /**
   * Adds headers (metadata over gRPC) to each call, such as W3C Trace Context. With OpenTelemetry's API:
   * `(carrier) => propagation.inject(context.active(), carrier)`.
   */
  readonly inject?: ((carrier: Record<string, string>) => void) | undefined;
}

/** The options of one call, for both clients. */
export interface CallOptions {
  /** Ends the call when it is aborted, also between attempts. */
  readonly signal?: AbortSignal | undefined;
  /** Sent as `X-Request-Id`; the service logs the request under it. 1 to 128 of the characters `A-Z a-z 0-9 _ . : + / = -`. */
  readonly requestId?: string | undefined;
}
