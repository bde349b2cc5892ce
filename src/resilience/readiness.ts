export type ReadinessState = 'starting' | 'ready' | 'draining';

/**
 * Whether this replica wants new work. The one source of `/readyz`, of gRPC health and of the drain: they change together
 * because they all read it here.
 */
export interface Readiness {
  readonly state: ReadinessState;
  /** Moves to the state and tells every listener, synchronously and in the order they subscribed. */
  become(state: ReadinessState): void;
  /** Calls back at each change; returns the function that stops it. */
  subscribe(listener: (state: ReadinessState) => void): () => void;
}

export function createReadiness(): Readiness {
  let current: ReadinessState = 'starting';
  const listeners = new Set<(state: ReadinessState) => void>();
  return {
    get state() {
      return current;
    },
    become(state) {
      if (state === current) return;
      current = state;
      for (const listener of listeners) listener(state);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
