import { getHeapStatistics } from 'node:v8';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Faults } from '../resilience/faults.ts';
import type { Readiness } from '../resilience/readiness.ts';
import { DurationHistogram } from './duration-histogram.ts';

// Gauges whose names end in _total: `promtool check metrics` refuses them. The series by type have the same counts.
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** The metrics of the process. Names and units follow the OpenTelemetry semantic conventions. */
export interface Metrics {
  readonly registry: Registry;
  /** Labels: method, route, status. */
  readonly httpRequests: DurationHistogram;
  /** Labels: service, method, status. */
  readonly rpcCalls: DurationHistogram;
  /** Requests and calls in progress. */
  readonly active: { http: number; rpc: number };
}

interface MetricsOptions {
  readonly faults: Faults;
  readonly readiness: Readiness;
  readonly logOutput?: { readonly droppedLines: number };
  readonly version: string;
  readonly revision: string;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const { faults, readiness, logOutput, version, revision } = options;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);

  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  const active = { http: 0, rpc: 0 };
  gauge('http_server_active_requests', 'HTTP requests under way.', () => active.http);
  gauge('rpc_server_active_calls', 'gRPC calls under way.', () => active.rpc);
  const heapLimit = getHeapStatistics().heap_size_limit;
  gauge('nodejs_heap_size_limit_bytes', 'The most that the heap may hold, in bytes.', () => heapLimit);
  gauge('greet_ready', 'Whether this replica wants requests (1) or not (0).', () =>
    Number(readiness.state === 'ready'),
  );
  new Counter({
    name: 'greet_faults_injected_total',
    help: 'Faults injected for rehearsal, by kind.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [kind, count] of Object.entries(faults.injected)) this.inc({ kind }, count);
    },
  });
  new Counter({
    name: 'greet_log_lines_dropped_total',
    help: 'Log lines that could not be written to standard output.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(logOutput?.droppedLines ?? 0);
    },
  });
  new Gauge({
    name: 'greet_build_info',
    help: 'Always 1; the labels tell which build this is.',
    labelNames: ['version', 'revision', 'node'],
    registers: [registry],
  }).set({ version, revision, node: process.versions.node }, 1);

  const httpRequests = new DurationHistogram(
    'http_server_request_duration_seconds',
    'How long HTTP requests took, in seconds.',
    registry,
  );
  const rpcCalls = new DurationHistogram(
    'rpc_server_call_duration_seconds',
    'How long gRPC calls took, in seconds.',
    registry,
  );
  return { registry, httpRequests, rpcCalls, active };
}

/** Exports when the served certificate expires, so that an alert can fire before that. */
export function exportCertificateExpiry({ registry }: Metrics, validTo: () => Date): void {
  new Gauge({
    name: 'greet_tls_certificate_expiry_timestamp_seconds',
    help: 'When the TLS certificate that is served ends, in seconds since 1970; absent without TLS.',
    registers: [registry],
    collect() {
      this.set(validTo().getTime() / 1000);
    },
  });
}
