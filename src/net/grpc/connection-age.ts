import type { ServerOptions } from '@grpc/grpc-js';

/** How long a connection lives, in milliseconds. */
export interface ConnectionAge {
  readonly maxConnectionIdleMs: number;
  /** A client that connects anew may reach another replica. */
  readonly maxConnectionAgeMs: number;
  /** How long the calls of a connection at its maximum age may take to end. */
  readonly maxConnectionAgeGraceMs: number;
}

/** The options with which grpc-js closes idle and old connections, after a GOAWAY. */
export function connectionAgeOptions(age: ConnectionAge): ServerOptions {
  return {
    'grpc.max_connection_idle_ms': age.maxConnectionIdleMs,
    'grpc.max_connection_age_ms': age.maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': age.maxConnectionAgeGraceMs,
  };
}
