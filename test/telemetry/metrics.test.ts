import { describe, expect, it } from 'vitest';
import { createGrpcClient } from '../../src/client/grpc.ts';
import { createHttpClient } from '../../src/client/http.ts';
import { operations, servedNames } from '../../src/operations.ts';
import { createFaults } from '../../src/resilience/faults.ts';
import { createReadiness } from '../../src/resilience/readiness.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createRecorder } from '../../src/telemetry/recorder.ts';
import { exchange } from '../support/raw-http.ts';
import { startTestService, until } from '../support/service.ts';

const create = () => {
  const readiness = createReadiness();
  const metrics = createMetrics({ faults: createFaults(), readiness, version: '1.2.3', revision: 'abc' });
  const noLog = { info() {}, debug() {} };
  return { readiness, metrics, recorder: createRecorder(metrics, noLog, servedNames(operations)) };
};

/** The value of the series with exactly these labels. */
function sampleOf(text: string, name: string, labels: Record<string, string> = {}): number | undefined {
  for (const line of text.split('\n')) {
    const [, found, inBraces = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found !== name) continue;
    const pairs = Object.fromEntries(
      [...inBraces.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text]),
    );
    if (
      Object.keys(pairs).length === Object.keys(labels).length &&
      Object.entries(labels).every(([key, text]) => pairs[key] === text)
    ) {
      return Number(value);
    }
  }
  return undefined;
}

describe('the duration histogram', () => {
  it('counts into cumulative buckets, with sum and count, as Prometheus has them', async () => {
    const { metrics, recorder } = create();
    for (const seconds of [0, 0.005, 0.0051, 0.1, 9, 10, 11])
      recorder.requestEnded({
        requestId: 'id',
        span: undefined,
        method: 'GET',
        route: '/x',
        path: '/x',
        status: 200,
        durationMs: seconds * 1000,
        isAborted: false,
        isProbe: false,
        peer: undefined,
        peerPort: undefined,
        forwardedFor: undefined,
        userAgent: undefined,
      });
    const text = await metrics.registry.metrics();
    const labels = { method: 'GET', route: '/x', status: '200' };
    const bucket = (le: string) =>
      sampleOf(text, 'http_server_request_duration_seconds_bucket', { ...labels, le });
    expect([
      bucket('0.005'),
      bucket('0.01'),
      bucket('0.1'),
      bucket('7.5'),
      bucket('10'),
      bucket('+Inf'),
    ]).toEqual([2, 3, 4, 4, 6, 7]);
    expect(sampleOf(text, 'http_server_request_duration_seconds_count', labels)).toBe(7);
    expect(sampleOf(text, 'http_server_request_duration_seconds_sum', labels)).toBeCloseTo(30.1101);
  });
});

describe('the metrics', () => {
  it('have the series that alerts read from the start', async () => {
    const text = await create().metrics.registry.metrics();
    for (const status of ['200', '500', '503']) {
      expect(
        sampleOf(text, 'http_server_request_duration_seconds_count', {
          method: 'GET',
          route: '/greet',
          status,
        }),
      ).toBe(0);
    }
    for (const status of ['OK', 'INTERNAL', 'UNAVAILABLE']) {
      const labels = { service: 'greet.GreetService', method: 'Greet', status };
      expect(sampleOf(text, 'rpc_server_call_duration_seconds_count', labels)).toBe(0);
    }
  });

  it('have the build and the readiness', async () => {
    const { metrics, readiness } = create();
    const labels = { version: '1.2.3', revision: 'abc', node: process.versions.node };
    expect(sampleOf(await metrics.registry.metrics(), 'greet_build_info', labels)).toBe(1);
    expect(sampleOf(await metrics.registry.metrics(), 'greet_ready')).toBe(0);
    readiness.become('ready');
    expect(sampleOf(await metrics.registry.metrics(), 'greet_ready')).toBe(1);
  });

  it('count every request and call exactly, and contain no path of a client', async () => {
    const service = await startTestService();
    const http = createHttpClient({ url: service.urls.http });
    const grpc = createGrpcClient({ address: service.urls.grpc });
    for (let count = 0; count < 7; count += 1) await http.greet('Alice');
    for (let count = 0; count < 3; count += 1) await http.greet('').catch(() => {});
    for (let count = 0; count < 5; count += 1) await fetch(`${service.urls.http}/secret-${count}`);
    for (let count = 0; count < 2; count += 1) await grpc.greet('Alice');
    await grpc.greet('').catch(() => {});
    await fetch(`${service.urls.http}/greet`, { method: 'POST' });
    await exchange(service.urls.http, 'NOPE / HTTP/1.1\r\n\r\n');
    await exchange(service.urls.http, 'PURGE /greet HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await until(() => service.lines.filter(({ msg }) => msg === 'request').length === 17);

    const text = await (await fetch(`${service.urls.admin}/metrics`)).text();
    const requests = (method: string, route: string, status: string) =>
      sampleOf(text, 'http_server_request_duration_seconds_count', { method, route, status });
    const calls = (status: string) =>
      sampleOf(text, 'rpc_server_call_duration_seconds_count', {
        service: 'greet.GreetService',
        method: 'Greet',
        status,
      });
    expect(requests('GET', '/greet', '200')).toBe(7);
    expect(requests('GET', '/greet', '400')).toBe(3);
    expect(requests('GET', 'unmatched', '404')).toBe(5);
    expect(requests('POST', 'unmatched', '405')).toBe(1);
    expect(requests('_OTHER', 'unmatched', '501')).toBe(1);
    expect(requests('_OTHER', 'unmatched', '405')).toBe(1);
    expect(calls('OK')).toBe(2);
    expect(calls('INVALID_ARGUMENT')).toBe(1);
    expect(sampleOf(text, 'http_server_active_requests')).toBe(0);
    expect(sampleOf(text, 'rpc_server_active_calls')).toBe(0);
    expect(text).not.toContain('secret');
    grpc.close();
    await service.drain();
  });
});
