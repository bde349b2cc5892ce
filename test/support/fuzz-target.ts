import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { LogLine } from './service.ts';
import { memoryLimit, resourceUsageOf, ServiceUnderLoad, untilWithin } from './service-under-load.ts';

/** The longest time until a log line is written, in milliseconds. */
const logDelayMs = 120;
/** The longest time until requests and connections of a client that disconnected have ended, in milliseconds. */
const releaseTimeoutMs = 15_000;

/** The built program as the target of a fuzzer. If a case ends it, it is started again, so that the case can be shrunk. */
export class FuzzTarget {
  #service: ServiceUnderLoad | undefined;
  #isUnharmed = true;
  #base: { readonly heap: number; readonly descriptors: number } | undefined;
  /** How much more heap it may use at the end, in bytes. */
  static readonly heapSlack = 8 * 1024 * 1024;

  /** Returns the running service, and starts it if necessary. */
  async up(): Promise<ServiceUnderLoad> {
    if (this.#service !== undefined && this.#isUnharmed) return this.#service;
    await this.#service?.dispose();
    this.#isUnharmed = true;
    const env = {
      // The requests use this Host.
      ADMIN_HOSTS: 'greet',
      LOG_LEVEL: 'debug',
      // The keepalive detects clients that disconnect during a call before the drain would cut them.
      GRPC_KEEPALIVE_TIME_MS: '500',
      GRPC_KEEPALIVE_TIMEOUT_MS: '500',
      SHUTDOWN_TIMEOUT_MS: '4000',
    };
    this.#service = await ServiceUnderLoad.start(env, isTrouble);
    await this.#service.greet();
    this.#base = { heap: await this.#service.heap(), ...(await resourceUsageOf(this.#service.pid)) };
    return this.#service;
  }

  /** Checks that it still runs, has no request in progress, and has logged no warning or error. */
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

/** True for warnings and errors, except the warning about injected faults, which the cases cause. */
function isTrouble({ level, msg }: LogLine): boolean {
  return ['warn', 'error', 'fatal'].includes(level) && !/faults are injected/.test(msg);
}
