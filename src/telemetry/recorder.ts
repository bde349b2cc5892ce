import { type AccessLog, toFields } from './access-log.ts';
import { bounds, type DurationHistogram, type DurationSeries, type Exemplar } from './duration-histogram.ts';
import type { Metrics } from './metrics.ts';
import type { Sender, ServerSpan } from './spans.ts';

/** An HTTP request that has ended: it was answered, or its client left. */
export interface EndedRequest extends Sender {
  readonly requestId: string;
  readonly span: ServerSpan | undefined;
  readonly method: string;
  /** The route's pattern, never the client's path. */
  readonly route: string;
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  readonly isAborted: boolean;
  /** Probes are logged at debug level. */
  readonly isProbe: boolean;
}

/** A gRPC call that has ended. */
export interface EndedCall extends Sender {
  readonly requestId: string;
  readonly span: ServerSpan | undefined;
  readonly service: string;
  readonly method: string;
  /** The name of the status code, such as `INVALID_ARGUMENT`. */
  readonly code: string;
  readonly durationMs: number;
}

/** Counts, logs and traces requests and calls that have ended. */
export interface Recorder {
  requestEnded(request: EndedRequest): void;
  callEnded(call: EndedCall): void;
  /** A request that the HTTP parser refused. It has no method, path or duration. */
  requestRefused(status: number): void;
  /** A call that was refused before a handler got it. Its label is `unmatched`, so that clients cannot spoil a method's error rate. */
  callRefused(code: string): void;
}

/** The operations whose series exist from the start. */
interface ServedNames {
  readonly routes: readonly string[];
  readonly methods: readonly { readonly service: string; readonly name: string }[];
}

/** The route of requests that no route matches, and the service and method of calls that no handler got. */
export const unmatchedRoute = 'unmatched';

/** Methods with a label of their own; all others share one (OpenTelemetry semantic conventions for HTTP). */
const knownMethods: ReadonlySet<string> = new Set(
  'GET HEAD OPTIONS POST PUT PATCH DELETE TRACE CONNECT'.split(' '),
);
const otherMethod = '_OTHER';

export function methodLabel(method: string): string {
  return knownMethods.has(method) ? method : otherMethod;
}

/** Status codes of errors of the service, not of the client (OpenTelemetry semantic conventions for gRPC servers). */
const serverErrors: ReadonlySet<string> = new Set(
  'UNKNOWN DEADLINE_EXCEEDED UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS'.split(' '),
);

export function createRecorder(
  { httpRequests, rpcCalls }: Pick<Metrics, 'httpRequests' | 'rpcCalls'>,
  accessLog: AccessLog,
  { routes, methods }: ServedNames,
): Recorder {
  const requests = createOutcomes<number>(httpRequests, (method, route, status) => ({
    labels: { method, route, status: String(status) },
    fields: toFields({ method, route, status, path: route }),
  }));
  const calls = createOutcomes<string>(rpcCalls, (service, method, status) => ({
    labels: { service, method, status: String(status) },
    fields: toFields({ method: `${service}/${method}`, code: status }),
  }));
  // A rate needs two samples: the series that alerts read exist before their first event.
  for (const route of routes) for (const status of [200, 400, 500, 503]) requests.find('GET', route, status);
  for (const { service, name } of methods)
    for (const code of ['OK', 'INVALID_ARGUMENT', 'INTERNAL', 'UNAVAILABLE']) calls.find(service, name, code);

  return {
    requestEnded(request) {
      const { span, method, route, path, status, isAborted } = request;
      const label = methodLabel(method);
      const outcome = requests.find(label, route, status);
      outcome.observe(request.durationMs, span);
      span?.end(
        { 'http.response.status_code': status, ...(status >= 500 && { 'error.type': String(status) }) },
        status >= 500,
      );
      const isUsual = path === route && label === method && !isAborted;
      const fields = isUsual
        ? outcome.fields
        : toFields({ method, route, status, path, ...(isAborted && { aborted: true }) });
      const write = request.isProbe ? accessLog.debug : accessLog.info;
      write(request, fields, 'request');
    },
    callEnded(call) {
      const { span, code } = call;
      const outcome = calls.find(call.service, call.method, code);
      outcome.observe(call.durationMs, span);
      const isError = serverErrors.has(code);
      span?.end({ 'rpc.response.status_code': code, ...(isError && { 'error.type': code }) }, isError);
      accessLog.info(call, outcome.fields, 'call');
    },
    requestRefused(status) {
      requests.find(otherMethod, unmatchedRoute, status).observe(0);
    },
    callRefused(code) {
      calls.find(unmatchedRoute, unmatchedRoute, code).observe(0);
    },
  };
}

/** All requests with the same labels: they share one series of the histogram, and the fields of their log lines. */
class Outcome implements DurationSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly fields: string;
  readonly counts = new Array<number>(bounds.length + 1).fill(0);
  sumSeconds = 0;
  /** The latest observation in each bucket that is in an exported trace. */
  exemplars: (Exemplar | undefined)[] | undefined;

  constructor({ labels, fields }: Pick<Outcome, 'labels' | 'fields'>) {
    this.labels = labels;
    this.fields = fields;
  }

  observe(durationMs: number, span?: ServerSpan): void {
    const seconds = durationMs / 1000;
    let index = 0;
    while (index < bounds.length && seconds > (bounds[index] as number)) index += 1;
    (this.counts[index] as number) += 1;
    this.sumSeconds += seconds;
    if (span?.isExported) {
      const { trace_id: traceId, span_id: spanId } = span.ids;
      this.exemplars ??= new Array(this.counts.length).fill(undefined);
      this.exemplars[index] = { traceId, spanId, seconds, atSeconds: Date.now() / 1_000 };
    }
  }
}

/** Outcomes by three labels, made when they are first met: three look-ups cost less than one key made of three strings. */
function createOutcomes<Third extends string | number>(
  histogram: DurationHistogram,
  describe: (first: string, second: string, third: Third) => Pick<Outcome, 'labels' | 'fields'>,
) {
  const outcomes = new Map<string, Map<string, Map<Third, Outcome>>>();
  return {
    find(first: string, second: string, third: Third): Outcome {
      const found = outcomes.get(first)?.get(second)?.get(third);
      if (found !== undefined) return found;
      const outcome = new Outcome(describe(first, second, third));
      histogram.add(outcome);
      const bySecond = outcomes.get(first) ?? new Map<string, Map<Third, Outcome>>();
      const byThird = bySecond.get(second) ?? new Map<Third, Outcome>();
      outcomes.set(first, bySecond.set(second, byThird.set(third, outcome)));
      return outcome;
    },
  };
}
