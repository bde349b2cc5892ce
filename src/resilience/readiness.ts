export type ReadinessState = 'starting' | 'ready' | 'draining';

/**
 * Whether this replica is ready for requests. `/readyz`, gRPC health and the drain all read this one state, so they always agree.
 */
export interface Readiness {
  readonly state: ReadinessState;
  /** Changes the state and calls every listener, synchronously and in the order of subscription. */
  become(state: ReadinessState): void;
  /** Calls back at each change. @returns a function that ends the subscription. */
  subscribe(listener: (state: ReadinessState) => void): () => void;
}

export function createReadiness(): Readiness {
  const listeners = new Set<(state: ReadinessState) => void>();
  const readiness = {
    state: 'starting' as ReadinessState,
    become(state: ReadinessState) {
      if (state === readiness.state) return;
      readiness.state = state;
      for (const listener of listeners) listener(state);
    },
    subscribe(listener: (state: ReadinessState) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return readiness;
}
