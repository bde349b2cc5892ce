import type { Attributes, Context } from '@opentelemetry/api';
import type { Sampler } from '@opentelemetry/sdk-trace-node';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';

/** The headers of W3C Trace Context, as they came. */
export interface TraceCarrier {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** What a span is about. Asked for only when the span is sampled. */
export interface SpanDescription {
  readonly name: string;
  readonly attributes: Attributes;
}

/** A request's place in its trace. */
export interface ServerSpan {
  /** For its log lines. */
  readonly ids: { readonly trace_id: string; readonly span_id?: string };
  end(attributes: Attributes, isError: boolean): void;
}

export interface Tracing {
  /**
   * Begins a server span under the caller's, if the caller has one; undefined where the request is in no trace: its caller
   * sent none, and none was begun for it.
   */
  start(carrier: TraceCarrier, describe: () => SpanDescription): ServerSpan | undefined;
  /** Sends what is left; gives up after the time, in milliseconds. */
  shutdown(timeoutMs: number): Promise<void>;
}

/**
 * Tracing as the `OTEL_*` variables say: spans go to the OTLP endpoint, sampled as `OTEL_TRACES_SAMPLER` has it. Where no
 * endpoint is set no SDK is loaded, and a request has the trace that its caller gave it, for the log only.
 */
export async function createTracing(
  { otel }: Pick<Config, 'otel'>,
  logger: Logger,
  version: string,
): Promise<Tracing> {
  if (!otel.isEnabled) return callersTraceOnly;
  const [api, core, sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/core'),
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ]);
  const { defaultTextMapGetter, diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode } = api;
  const remark = (message: string) => logger.warn({ remark: message }, 'tracing');
  diag.setLogger({ error: remark, warn: remark, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);

  // A new trace is decided on before anything is made for it: where most are not sampled, that is most of the cost.
  const chosen = ROOT_CONTEXT.setValue(api.createContextKey('chosen'), true);
  const root = new sdk.TraceIdRatioBasedSampler(otel.rootRatio);
  const configured = otel.isParentBased ? new sdk.ParentBasedSampler({ root }) : root;
  const sampler: Sampler = {
    shouldSample: (context: Context, ...rest) =>
      context === chosen
        ? { decision: sdk.SamplingDecision.RECORD_AND_SAMPLED }
        : configured.shouldSample(context, ...rest),
    toString: () => configured.toString(),
  };
  const provider = new sdk.NodeTracerProvider({
    sampler,
    resource: resources
      .resourceFromAttributes({ 'service.name': otel.serviceName, 'service.version': version })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    // The queue is bounded: a collector that is slow or down costs spans, never memory or time.
    spanProcessors: [new sdk.BatchSpanProcessor(new OTLPTraceExporter())],
  });
  const tracer = provider.getTracer('greet', version);
  const propagator = new core.W3CTraceContextPropagator();

  return {
    start(carrier, describe) {
      let parent = chosen;
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
      const patience = new Promise((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([provider.shutdown().catch((error: unknown) => remark(String(error))), patience]);
      clearTimeout(timer);
    },
  };
}

// https://www.w3.org/TR/trace-context/#traceparent-header
const traceparent = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:$|-)/;

const callersTraceOnly: Tracing = {
  start(carrier) {
    if (carrier.traceparent === undefined) return undefined;
    const traceId = traceparent.exec(carrier.traceparent)?.[1];
    return traceId === undefined ? undefined : { ids: { trace_id: traceId }, end() {} };
  },
  async shutdown() {},
};
