import { GreetError, toGreetError } from './greet-error.ts';

/** Waits. The promise never settles if the call ends first. */
type Pause = (durationMs: number) => Promise<void>;

/**
 * Runs a call until it settles, its timeout passes or the caller's signal is aborted, even if the work ignores `stop`. At the end `stop` is
 * aborted in any case: that frees the connection of a response that was not read completely.
 *
 * @throws {GreetError} for every failure.
 */
export async function underDeadline<Result>(
  target: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  run: (stop: AbortSignal, pause: Pause) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const stop = controller.signal;
  const cancel = () =>
    controller.abort(new GreetError('cancelled', 'The call was cancelled.', { cause: signal?.reason }));
  const miss = () =>
    controller.abort(new GreetError('timeout', `${target} did not answer within ${timeoutMs} ms.`));
  const timers = [setTimeout(miss, timeoutMs)];
  try {
    return await new Promise((resolve, reject) => {
      stop.onabort = () => reject(stop.reason);
      signal?.addEventListener('abort', cancel);
      if (signal?.aborted) cancel();
      else
        run(stop, (durationMs) => new Promise((resume) => timers.push(setTimeout(resume, durationMs)))).then(
          resolve,
          reject,
        );
    });
  } catch (error) {
    throw toGreetError('refused', target, error);
  } finally {
    timers.map(clearTimeout);
    signal?.removeEventListener?.('abort', cancel);
    controller.abort();
  }
}
