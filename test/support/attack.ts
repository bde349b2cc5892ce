import { setPriority } from 'node:os';
import { expect } from 'vitest';
import {
  type LatencyReport,
  memoryLimit,
  resourceUsageOf,
  ServiceUnderLoad,
  untilWithin,
} from './service-under-load.ts';

/** Attacks until the signal is aborted, and then closes all of its connections. */
export type Attack = (urls: ServiceUnderLoad['urls'], signal: AbortSignal) => Promise<void>;

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  readonly attackMs?: number;
  /** Runs at the end of the attack, while it still goes on. */
  readonly atLast?: (service: ServiceUnderLoad) => Promise<void>;
}

/**
 * Lower latencies count as this one, in milliseconds, because the service, its attackers and the latency probe share one or two cores.
 * During an attack that the service withstands, a p99 of 100 to 400 ms is usual. Otherwise it is seconds.
 */
const latencyFloorMs = 100;
/** How often the latency is measured at most. Other programs may slow one measurement. */
const measurements = 3;
/** How many times slower the service may respond to other clients during the attack. */
const slowdown = 10;
/** How much more heap the service may use after the attack, in bytes. */
const heapSlack = 8 * 1024 * 1024;

/**
 * Checks that during the attack the service stays within its memory and serves other clients, and that it has released everything
 * afterwards.
 */
export async function expectToWithstand(title: string, attack: Attack, options: Options = {}): Promise<void> {
  const { env = {}, attackMs = 1_500, atLast } = options;
  const service = await ServiceUnderLoad.start(env);
  try {
    // In production the attackers run on other machines. Here they have the lowest priority, so that they run when the service does not.
    setPriority(19);
    const usage = async () => ({ ...(await resourceUsageOf(service.pid)), heap: await service.heap() });
    await service.measureLatency(300);
    const before = await service.measureLatency(700);
    const base = await usage();
    const series = (await service.metrics()).length;

    const stop = new AbortController();
    const attacking = attack(service.urls, stop.signal);
    // The promise is awaited below. Without this, a failure before that would count as unhandled.
    attacking.catch(() => {});
    let report = await measure(service, before, attackMs);
    for (let count = 1; count < measurements && !report.isWithin; count += 1)
      report = await measure(service, before, attackMs);
    await atLast?.(service);
    stop.abort();
    await attacking;

    let after = base;
    const isReleased = await untilWithin(30_000, async () => {
      after = await usage();
      return (
        after.descriptors <= base.descriptors + 4 &&
        after.heap < base.heap + heapSlack &&
        (await service.active()).every((line) => line.endsWith(' 0'))
      );
    });
    console.log(
      `${title}: p99 HTTP ${ms(before.http.p99)} -> ${ms(report.http.p99)}, gRPC ${ms(before.grpc.p99)} -> ${ms(report.grpc.p99)}, reference ${ms(report.reference.p99)}; ` +
        `memory ${mb(base.memory)} -> ${mb(report.peak)} -> ${mb(after.memory)}, heap ${mb(base.heap)} -> ${mb(after.heap)}`,
    );
    expect(service.program.process.exitCode, service.program.stderr()).toBe(null);
    expect(report.peak).toBeLessThan(memoryLimit);
    expect([...report.http.failures, ...report.grpc.failures]).toEqual([]);
    expect(report.http.p99).toBeLessThan(report.bounds.http);
    expect(report.grpc.p99).toBeLessThan(report.bounds.grpc);
    expect(await service.active()).toEqual(['http_server_active_requests 0', 'rpc_server_active_calls 0']);
    expect(after.heap).toBeLessThan(base.heap + heapSlack);
    expect(isReleased, `${after.descriptors} descriptors, ${base.descriptors} before`).toBe(true);
    // The refusals add a few series. Values that clients chose must add none.
    expect((await service.metrics()).length).toBeLessThan(series + 200);
    expect(await service.greet()).toEqual(['Hello, Alice', 'Hello, Alice']);
    expect(await service.drain()).toEqual({ code: 0, warnings: [] });
  } finally {
    await service.dispose();
  }
}

interface Measured extends LatencyReport {
  readonly peak: number;
  readonly bounds: Readonly<Record<'http' | 'grpc', number>>;
  readonly isWithin: boolean;
}

/**
 * Measures the latency of other clients during the attack. The bounds depend on the reference server, which a slow machine slows as well.
 */
async function measure(
  service: ServiceUnderLoad,
  before: LatencyReport,
  durationMs: number,
): Promise<Measured> {
  const measuring = service.measureLatency(durationMs);
  const peak = await service.peakMemoryWhile(measuring);
  const report = await measuring;
  const bound = (transport: 'http' | 'grpc') =>
    slowdown * Math.max(before[transport].p99, report.reference.p99, latencyFloorMs);
  const bounds = { http: bound('http'), grpc: bound('grpc') };
  const isWithin = report.http.p99 < bounds.http && report.grpc.p99 < bounds.grpc;
  return { ...report, peak, bounds, isWithin };
}

const ms = (value: number) => `${value.toFixed(1)} ms`;
const mb = (value: number) => `${Math.round(value / 1024 / 1024)} MB`;
