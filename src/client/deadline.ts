import { GreetError, toGreetError } from './greet-error.ts';

/** Waits; for ever where the call ends meanwhile. */
type Pause = (durationMs: number) => Promise<void>;

/**
 * Runs a call that ends at its timeout or when its caller's signal is aborted, also where what it waits for ignores its own signal.
 * That one is aborted in the end: it frees the connection of an answer that was not read to its end.
 *
 * @throws {GreetError} whatever goes wrong.
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
