import type { Server } from 'node:http';
import type { Limits } from '../limits.ts';
import { createStopwatch } from '../stopped-process.ts';

/** How often the time is measured between two sweeps. */
const lapsPerSweep = 4;

/**
 * Makes the server's timeouts longer by the time in which the process did not run, and could not read requests. Node compares the age of
 * each request with them at each sweep. They are as before once all requests from before that time have ended.
 */
export function excuseStoppedTime(
  server: Server,
  { sweepIntervalMs, requestTimeoutMs }: Pick<Limits, 'sweepIntervalMs' | 'requestTimeoutMs'>,
): void {
  const lapMs = sweepIntervalMs / lapsPerSweep;
  const nextLap = createStopwatch();
  let excusedMs = 0;
  let excusedUntil = 0;
  const measure = () => {
    const { elapsedMs, hasRun } = nextLap();
    const now = performance.now();
    if (now > excusedUntil) excusedMs = 0;
    if (hasRun || elapsedMs < 2 * lapMs) return;
    excusedMs += Math.ceil(elapsedMs);
    excusedUntil = now + requestTimeoutMs + sweepIntervalMs;
  };
  const timer = setInterval(measure, lapMs).unref();
  server.once('close', () => clearInterval(timer));
  for (const name of ['headersTimeout', 'requestTimeout'] as const) {
    const timeoutMs = server[name];
    Object.defineProperty(server, name, {
      get() {
        // The sweep may be the first to run after the process was stopped.
        measure();
        return timeoutMs + excusedMs;
      },
    });
  }
}
