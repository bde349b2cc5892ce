import type { Attributes, Context } from '@opentelemetry/api';
import type { Sampler } from '@opentelemetry/sdk-trace-node';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';

/** The headers of W3C Trace Context, as received. */
export interface TraceCarrier {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** Name and attributes of a span. Made only for a sampled span. */
export interface SpanDescription {
  readonly name: string;
  readonly attributes: Attributes;
}

/** The span of a request in progress. */
export interface ServerSpan {
  /** Fields for its log lines. */
  readonly ids: { readonly trace_id: string; readonly span_id?: string };
  end(attributes: Attributes, isError: boolean): void;
}

export interface Tracing {
  /** False if only requests with a `traceparent` need {@link start}. */
  readonly startsTraces: boolean;
  /** Starts a server span, as a child of the client's if there is one. @returns undefined if the request is in no trace. */
  start(carrier: TraceCarrier, describe: () => SpanDescription): ServerSpan | undefined;
  /** Sends the remaining spans, for at most this time in milliseconds. */
  shutdown(timeoutMs: number): Promise<void>;
}

/**
 * Tracing as the `OTEL_*` variables configure it: sampled spans are sent to the OTLP endpoint. Without an endpoint no SDK is loaded, and
 * the client's trace id appears in the log only.
 */
export async function createTracing(
  { otel }: Pick<Config, 'otel'>,
  logger: Logger,
  version: string,
): Promise<Tracing> {
  if (!otel.isEnabled) return clientTracesOnly;
  const [api, core, sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/core'),
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ]);
  const { defaultTextMapGetter, diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode } = api;
  const warn = (message: string) => logger.warn({ remark: message }, 'tracing');
  diag.setLogger({ error: warn, warn, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);

  // A new trace is sampled before anything is made for it: most of the cost, if most traces are not sampled.
  const sampled = ROOT_CONTEXT.setValue(api.createContextKey('sampled'), true);
  const root = new sdk.TraceIdRatioBasedSampler(otel.rootRatio);
  const configured = otel.isParentBased ? new sdk.ParentBasedSampler({ root }) : root;
  const sampler: Sampler = {
    shouldSample: (context: Context, ...rest) =>
      context === sampled
        ? { decision: sdk.SamplingDecision.RECORD_AND_SAMPLED }
        : configured.shouldSample(context, ...rest),
    toString: () => configured.toString(),
  };
  const provider = new sdk.NodeTracerProvider({
    sampler,
    resource: resources
      .resourceFromAttributes({ 'service.name': otel.serviceName, 'service.version': version })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    // The queue is bounded: a slow or absent collector costs spans, never memory or time.
    spanProcessors: [new sdk.BatchSpanProcessor(new OTLPTraceExporter())],
  });
  const tracer = provider.getTracer('greet', version);
  const propagator = new core.W3CTraceContextPropagator();

  return {
    startsTraces: true,
    start(carrier, describe) {
      let parent = sampled;
      if (carrier.traceparent !== undefined) {
        parent = propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
      } else if (Math.random() >= otel.rootRatio) return undefined;
      const { name, attributes } = describe();
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
      const { traceId, spanId } = span.spanContext();
      return {
        ids: { trace_id: traceId, span_id: spanId },
        end(outcome, isError) {
          span.setAttributes(outcome);
          if (isError) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
    async shutdown(timeoutMs) {
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([provider.shutdown().catch((error: unknown) => warn(String(error))), timeout]);
      clearTimeout(timer);
    },
  };
}

// https://www.w3.org/TR/trace-context/#traceparent-header
const traceparent = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:$|-)/;

const clientTracesOnly: Tracing = {
  startsTraces: false,
  start(carrier) {
    if (carrier.traceparent === undefined) return undefined;
    const traceId = traceparent.exec(carrier.traceparent)?.[1];
    return traceId === undefined ? undefined : { ids: { trace_id: traceId }, end() {} };
  },
  async shutdown() {},
};
