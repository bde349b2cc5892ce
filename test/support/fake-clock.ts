import { syncBuiltinESMExports } from 'node:module';
import promises from 'node:timers/promises';
import { onTestFinished, vi } from 'vitest';

type Faked = NonNullable<NonNullable<Parameters<typeof vi.useFakeTimers>[0]>['toFake']>;

/**
 * Stops these parts of this process's clock until the test has finished; only `vi.advanceTimersByTime` moves them. `setTimeout` includes
 * the one of `node:timers/promises`. Node's own timers (of its HTTP servers, for instance) go on.
 */
export function useFakeClock(...toFake: Faked): void {
  vi.useFakeTimers({ toFake });
  const { setTimeout: original } = promises;
  if (toFake.includes('setTimeout')) {
    const fake = (delayMs?: number, value?: unknown) =>
      new Promise((resolve) => setTimeout(resolve, delayMs, value));
    Object.assign(promises, { setTimeout: fake });
    syncBuiltinESMExports();
  }
  onTestFinished(() => {
    vi.useRealTimers();
    Object.assign(promises, { setTimeout: original });
    syncBuiltinESMExports();
  });
}
