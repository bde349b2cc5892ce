import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { LogLine } from './service.ts';
import { memoryLimit, resourceUsageOf, ServiceUnderLoad, untilWithin } from './service-under-load.ts';

/** Log lines are written at the latest after this time, in milliseconds. */
const logDelayMs = 120;
/** Requests and connections that a client has left are over at the latest after this time, in milliseconds. */
const releaseTimeoutMs = 15_000;

/** The built program as the target of a fuzzer. It is started again when a case has ended it, so that the case can be shrunk. */
export class FuzzTarget {
  #service: ServiceUnderLoad | undefined;
  #isUnharmed = true;
  #base: { readonly heap: number; readonly descriptors: number } | undefined;
  /** How much more heap it may use at the end, in bytes. */
  static readonly heapSlack = 8 * 1024 * 1024;

  /** The service, running. */
  async up(): Promise<ServiceUnderLoad> {
    if (this.#service !== undefined && this.#isUnharmed) return this.#service;
    await this.#service?.dispose();
    this.#isUnharmed = true;
    const env = {
      // The Host of the requests.
      ADMIN_HOSTS: 'greet',
      LOG_LEVEL: 'debug',
      // Clients that leave in the middle of a call are detected before the drain would cut them.
      GRPC_KEEPALIVE_TIME_MS: '500',
      GRPC_KEEPALIVE_TIMEOUT_MS: '500',
      SHUTDOWN_TIMEOUT_MS: '4000',
    };
    this.#service = await ServiceUnderLoad.start(env, isTrouble);
    await this.#service.greet();
    this.#base = { heap: await this.#service.heap(), ...(await resourceUsageOf(this.#service.pid)) };
    return this.#service;
  }

  /** Checks that it runs, has no request in progress, and has logged neither a warning nor an error. */
  async expectUnharmed(): Promise<void> {
    const service = this.#service as ServiceUnderLoad;
    const { process, stderr, lines } = service.program;
    this.#isUnharmed = false;
    await sleep(logDelayMs);
    const { exitCode, signalCode } = process;
    if (exitCode !== null || signalCode !== null || stderr() !== '')
      throw new Error(`The service has ended with ${signalCode ?? exitCode}: ${stderr()}`);
    if (lines.length > 0) throw new Error(`The service has logged ${JSON.stringify(lines)}`);
    const isIdle = await untilWithin(releaseTimeoutMs, async () => (await service.active()).every(isNone));
    expect(isIdle, (await service.active()).join()).toBe(true);
    this.#isUnharmed = true;
  }

  /** Checks that it has released everything, has no request in progress, and drains. */
  async expectAtRest(): Promise<void> {
    const service = await this.up();
    const base = this.#base as { heap: number; descriptors: number };
    const isReleased = await untilWithin(releaseTimeoutMs, async () => {
      const { descriptors } = await resourceUsageOf(service.pid);
      return descriptors <= base.descriptors + 4 && (await service.active()).every(isNone);
    });
    const { descriptors, memory } = await resourceUsageOf(service.pid);
    expect(await service.active()).toEqual(['http_server_active_requests 0', 'rpc_server_active_calls 0']);
    expect(isReleased, `${descriptors} descriptors, ${base.descriptors} before`).toBe(true);
    expect(memory).toBeLessThan(memoryLimit);
    expect(await service.heap()).toBeLessThan(base.heap + FuzzTarget.heapSlack);
    expect(await service.greet()).toEqual(['Hello, Alice', 'Hello, Alice']);
    expect(await service.drain()).toEqual({ code: 0, warnings: [] });
  }

  async dispose(): Promise<void> {
    await this.#service?.dispose();
  }
}

const isNone = (line: string) => line.endsWith(' 0');

/** Warnings and errors, but for the warning that faults are injected, which the cases do on purpose. */
function isTrouble({ level, msg }: LogLine): boolean {
  return ['warn', 'error', 'fatal'].includes(level) && !/faults are injected/.test(msg);
}
