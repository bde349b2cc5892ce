import { getHeapStatistics } from 'node:v8';
import Negotiator from 'negotiator';
import { Counter, collectDefaultMetrics, Gauge, type OpenMetricsContentType, Registry } from 'prom-client';
import type { Faults } from '../resilience/faults.ts';
import type { Readiness } from '../resilience/readiness.ts';
import { DurationHistogram } from './duration-histogram.ts';

// Gauges whose names end in _total: `promtool check metrics` refuses them. The series by type have the same counts.
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** The build, and the version of Node that runs it. */
export interface BuildInfo {
  readonly version: string;
  /** The commit. */
  readonly revision: string;
  readonly node: string;
}

/** The metrics of the process. Names and units follow the OpenTelemetry semantic conventions. */
export interface Metrics {
  readonly registry: Registry;
  readonly build: BuildInfo;
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
  gauge('http_server_active_requests', 'HTTP requests in progress.', () => active.http);
  gauge('rpc_server_active_calls', 'gRPC calls in progress.', () => active.rpc);
  const heapLimit = getHeapStatistics().heap_size_limit;
  gauge('nodejs_heap_size_limit_bytes', 'The largest size of the heap, in bytes.', () => heapLimit);
  gauge('greet_ready', 'Whether this replica is ready (1) or not (0).', () =>
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
  const build = { version, revision, node: process.versions.node };
  new Gauge({
    name: 'greet_build_info',
    help: 'Always 1; the labels identify the build.',
    labelNames: ['version', 'revision', 'node'],
    registers: [registry],
  }).set(build, 1);

  const httpRequests = new DurationHistogram(
    'http_server_request_duration_seconds',
    'Duration of HTTP requests, in seconds.',
    registry,
  );
  const rpcCalls = new DurationHistogram(
    'rpc_server_call_duration_seconds',
    'Duration of gRPC calls, in seconds.',
    registry,
  );
  return { registry, build, httpRequests, rpcCalls, active };
}

/** Metrics in the format that the client prefers: Prometheus text, or OpenMetrics, which has exemplars. */
export async function renderMetrics(
  registry: Registry,
  accept: string | undefined,
): Promise<{ readonly contentType: string; readonly text: string }> {
  const { PROMETHEUS_CONTENT_TYPE, OPENMETRICS_CONTENT_TYPE } = Registry;
  // A type with the parameter `escaping` would not match. It is about characters that no name has here.
  const headers = { accept: accept?.replaceAll(/;\s*escaping=[\w-]*/gi, '') };
  const preferred = new Negotiator({ headers }).mediaType([
    PROMETHEUS_CONTENT_TYPE,
    OPENMETRICS_CONTENT_TYPE,
  ]);
  return preferred === OPENMETRICS_CONTENT_TYPE
    ? { contentType: OPENMETRICS_CONTENT_TYPE, text: await renderOpenMetrics(registry) }
    : { contentType: PROMETHEUS_CONTENT_TYPE, text: await registry.metrics() };
}

/** The part of a metric that a registry uses. The type of the registry asks for one of prom-client's own classes. */
interface RegisteredMetric {
  readonly name: string;
  readonly type: string;
  get(): Promise<object>;
}

async function renderOpenMetrics(registry: Registry): Promise<string> {
  // The registry would rename its counters for good, so it gets copies.
  const copies = new Registry<OpenMetricsContentType>();
  copies.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const metric of registry.getMetricsAsArray() as unknown as RegisteredMetric[]) {
    const name = metric.type === 'counter' ? metric.name.replace(/_total$/, '') : metric.name;
    const copy = { name, type: metric.type, get: async () => ({ ...(await metric.get()), name }) };
    copies.registerMetric(copy as never);
  }
  // In this format, numbers in labels have a decimal point.
  return (await copies.metrics()).replaceAll(/\ble="(\d+)"/g, 'le="$1.0"');
}
