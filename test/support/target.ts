import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { LogLine } from './service.ts';
import { holdingOf, memoryLimit, Siege, untilWithin } from './siege.ts';

/** Lines come at the latest after this time. */
const logDelayMs = 120;
/** What a caller leaves behind is over after this time, in milliseconds. */
const patienceMs = 15_000;

/** The built program as what is fuzzed: started anew when a case has brought it down, so that the case can be made smaller. */
export class Target {
  #siege: Siege | undefined;
  #isUnharmed = true;
  #base: { readonly heap: number; readonly descriptors: number } | undefined;
  /** How much more it may hold when it is over, in bytes. */
  static readonly heapSlack = 8 * 1024 * 1024;

  async up(): Promise<Siege> {
    if (this.#siege !== undefined && this.#isUnharmed) return this.#siege;
    await this.#siege?.dispose();
    this.#isUnharmed = true;
    const env = {
      LOG_LEVEL: 'debug',
      // Callers who leave in the middle of a call are found to be gone before the drain would cut them.
      GRPC_KEEPALIVE_TIME_MS: '500',
      GRPC_KEEPALIVE_TIMEOUT_MS: '500',
      SHUTDOWN_TIMEOUT_MS: '4000',
    };
    this.#siege = await Siege.start(env, isTrouble);
    await this.#siege.greet();
    this.#base = { heap: await this.#siege.heap(), ...(await holdingOf(this.#siege.pid)) };
    return this.#siege;
  }

  /** That it lives, has nothing under way, and has logged nothing that somebody should look at. */
  async expectUnharmed(): Promise<void> {
    const siege = this.#siege as Siege;
    const { process, stderr, lines } = siege.program;
    this.#isUnharmed = false;
    await sleep(logDelayMs);
    const { exitCode, signalCode } = process;
    if (exitCode !== null || signalCode !== null || stderr() !== '')
      throw new Error(`It has ended with ${signalCode ?? exitCode}: ${stderr()}`);
    if (lines.length > 0) throw new Error(`It has logged ${JSON.stringify(lines)}`);
    const isIdle = await untilWithin(patienceMs, async () => (await siege.active()).every(isNone));
    expect(isIdle, (await siege.active()).join()).toBe(true);
    this.#isUnharmed = true;
  }

  /** That everything is let go of and nothing is under way any more, and that it ends as it should. */
  async expectAtRest(): Promise<void> {
    const siege = await this.up();
    const base = this.#base as { heap: number; descriptors: number };
    const isOver = await untilWithin(patienceMs, async () => {
      const { descriptors } = await holdingOf(siege.pid);
      return descriptors <= base.descriptors + 4 && (await siege.active()).every(isNone);
    });
    const { descriptors, memory } = await holdingOf(siege.pid);
    expect(await siege.active()).toEqual(['http_server_active_requests 0', 'rpc_server_active_calls 0']);
    expect(isOver, `${descriptors} descriptors, ${base.descriptors} before`).toBe(true);
    expect(memory).toBeLessThan(memoryLimit);
    expect(await siege.heap()).toBeLessThan(base.heap + Target.heapSlack);
    expect(await siege.greet()).toEqual(['Hello, Alice', 'Hello, Alice']);
    expect(await siege.drain()).toEqual({ code: 0, warnings: [] });
  }

  async dispose(): Promise<void> {
    await this.#siege?.dispose();
  }
}

const isNone = (line: string) => line.endsWith(' 0');

/** Faults that are injected on purpose are warned of; nothing else is. */
function isTrouble({ level, msg }: LogLine): boolean {
  return ['warn', 'error', 'fatal'].includes(level) && !/faults are injected/.test(msg);
}
