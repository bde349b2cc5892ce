import { syncBuiltinESMExports } from 'node:module';
import promises from 'node:timers/promises';
import { onTestFinished, vi } from 'vitest';

type Faked = NonNullable<NonNullable<Parameters<typeof vi.useFakeTimers>[0]>['toFake']>;

/**
 * Stops these timers of this process until the test has finished. Only `vi.advanceTimersByTime` moves them. `setTimeout` includes that of
 * `node:timers/promises`. Timers inside Node, such as those of its HTTP servers, go on.
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
