import type { DiagLogger, TextMapPropagator } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { cleanTracingEnvironment, newTraceShare, type TracingSettings } from '../config/tracing-settings.ts';
import { createAddressOf } from '../net/client-address.ts';
import { clientSpan, clientTracesOnly, describeSender, type ReadHeader, type Tracing } from './spans.ts';

/**
 * Tracing as the `OTEL_*` variables configure it. No SDK is loaded if nothing is exported. The SDK reads most of the variables itself;
 * values that it does not understand are logged once.
 */
export async function createTracing(
  { otel: settings, trustedProxies }: Pick<Config, 'otel' | 'trustedProxies'>,
  logger: Logger,
  version: string,
): Promise<Tracing> {
  if (!settings.isEnabled) {
    if (settings.remarks.length > 0) logger.warn({ remarks: settings.remarks }, 'nothing is traced');
    return clientTracesOnly;
  }
  const [api, core, sdk] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/core'),
    import('@opentelemetry/sdk-trace-node'),
  ]);
  const { diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode } = api;

  const remarks = [...settings.remarks, ...cleanTracingEnvironment(process.env)];
  const collect = (remark: string) => remarks.push(remark);
  // The SDK says at debug level which resource attributes it could not read.
  const collectFailed = (remark: string) => void (remark.includes(' failed: ') && collect(remark));
  const setLogger = (target: Parameters<typeof diag.setLogger>[0], logLevel: number) =>
    diag.setLogger(target, { logLevel, suppressOverrideMessage: true });
  setLogger(
    { error: collect, warn: collect, info() {}, debug: collectFailed, verbose() {} },
    DiagLogLevel.DEBUG,
  );
  core.getBooleanFromEnv('OTEL_SDK_DISABLED');
  const diagLevel = core.diagLogLevelFromString(core.getStringFromEnv('OTEL_LOG_LEVEL'));
  const propagator = await loadPropagator(core);
  // If there is a share, `start` chooses the new traces, and the sampler samples all that it gets.
  const share = newTraceShare(process.env);
  // Without a sampler and with no limits given, the provider takes both from the variables.
  const provider = new sdk.NodeTracerProvider({
    ...(share !== undefined && { sampler: new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() }) }),
    resource: await describeProcess(version),
    spanProcessors: await createProcessors(settings, sdk, logger, collect),
  });
  if (remarks.length > 0)
    logger.warn({ remarks }, 'tracing settings are not valid or not supported: the defaults are used');
  setLogger(createDiagLogger(logger), diagLevel ?? DiagLogLevel.WARN);
  core.setGlobalErrorHandler((err) => logger.warn({ err }, 'spans were not exported'));

  const addressOf = createAddressOf(trustedProxies);
  const tracer = provider.getTracer('greet', version);
  const getter = { get: (read: ReadHeader, name: string) => read(name), keys: () => [] };
  return {
    startsTraces: true,
    start(read, describe) {
      const parent = propagator.extract(ROOT_CONTEXT, read, getter);
      const client = api.trace.getSpanContext(parent);
      // Some propagators also return a context without valid ids, which the SDK does not follow.
      const isNew = client === undefined || !api.isSpanContextValid(client);
      // A trace that is not sampled gets no ids: nothing would show them.
      if (isNew && share !== undefined && Math.random() >= share) return undefined;
      const span = tracer.startSpan('', { kind: SpanKind.SERVER }, parent);
      const { traceId, spanId, traceFlags } = span.spanContext();
      // The description is most of the cost of a span, so only a sampled span gets one.
      if (!span.isRecording()) return isNew ? undefined : clientSpan(traceId, '00');
      const { name, requestId, sender, attributes } = describe();
      span.updateName(name).setAttributes(attributes).setAttributes(describeSender(sender, addressOf));
      span.setAttribute('request.id', requestId);
      return {
        ids: { trace_id: traceId, span_id: spanId, trace_flags: `0${traceFlags}` },
        isExported: true,
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
      const ended = provider
        .shutdown()
        .catch((err: unknown) => logger.warn({ err }, 'spans were not exported'));
      await Promise.race([ended, timeout]);
      clearTimeout(timer);
    },
  };
}

async function loadPropagator(core: typeof import('@opentelemetry/core')): Promise<TextMapPropagator> {
  if (!process.env.OTEL_PROPAGATORS) return new core.W3CTraceContextPropagator();
  const { getPropagator } = await import('@opentelemetry/auto-configuration-propagators');
  return getPropagator();
}

/** The resource: the attributes of all spans of this process. Those of the variables are merged last, so they win. */
async function describeProcess(version: string): Promise<Resource> {
  const resources = await import('@opentelemetry/resources');
  const { envDetector, hostDetector, serviceInstanceIdDetector } = resources;
  const resource = resources
    .defaultResource()
    .merge(resources.detectResources({ detectors: [hostDetector, serviceInstanceIdDetector] }))
    .merge(resources.resourceFromAttributes({ 'service.name': 'greet', 'service.version': version }))
    .merge(resources.detectResources({ detectors: [envDetector] }));
  // The id of the host is read from a file. Spans would wait for it, and the SDK's shutdown does not wait for such spans.
  await resource.waitForAsyncAttributes?.();
  return resource;
}

async function createProcessors(
  { exporters, protocol }: TracingSettings,
  sdk: typeof import('@opentelemetry/sdk-trace-node'),
  logger: Logger,
  collect: (remark: string) => void,
): Promise<SpanProcessor[]> {
  const processors: SpanProcessor[] = [];
  if (exporters.includes('console')) processors.push(new sdk.SimpleSpanProcessor(createLogExporter(logger)));
  if (!exporters.includes('otlp')) return processors;
  try {
    // The queue is bounded: a slow or absent collector costs spans, never memory or time.
    processors.push(new sdk.BatchSpanProcessor(await loadExporter(protocol)));
  } catch (error) {
    collect(`no spans are exported: ${error instanceof Error ? error.message : String(error)}`);
  }
  return processors;
}

/** The imports are literal, so that the bundler sees them. */
async function loadExporter(protocol: TracingSettings['protocol']): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await {
    'http/protobuf': () => import('@opentelemetry/exporter-trace-otlp-proto'),
    'http/json': () => import('@opentelemetry/exporter-trace-otlp-http'),
    grpc: () => import('@opentelemetry/exporter-trace-otlp-grpc'),
  }[protocol]();
  return new OTLPTraceExporter();
}

/** `console`: one log line for each span. The SDK's own exporter would write several lines that are not JSON into the log. */
function createLogExporter(logger: Logger): SpanExporter {
  return {
    export(spans, done) {
      for (const span of spans) logger.info(fieldsOf(span), 'span');
      done({ code: 0 });
    },
    async shutdown() {},
  };
}

function fieldsOf(span: ReadableSpan) {
  const { traceId, spanId } = span.spanContext();
  const [seconds, nanoseconds] = span.duration;
  return {
    trace_id: traceId,
    span_id: spanId,
    parent_span_id: span.parentSpanContext?.spanId,
    name: span.name,
    durationMs: seconds * 1e3 + nanoseconds / 1e6,
    status: span.status.code,
    attributes: span.attributes,
  };
}

/** The SDK's own messages. Its errors are warnings here: they cost spans, and no greeting. */
function createDiagLogger(logger: Logger): DiagLogger {
  const at =
    (level: 'warn' | 'info' | 'debug' | 'trace') =>
    (remark: string, ...details: unknown[]) =>
      logger[level]({ remark, ...(details.length > 0 && { details: details.map(parseJson) }) }, 'tracing');
  return { error: at('warn'), warn: at('warn'), info: at('info'), debug: at('debug'), verbose: at('trace') };
}

/** The SDK writes some of its details as JSON, which would be escaped within a log line. */
function parseJson(value: unknown): unknown {
  try {
    return typeof value === 'string' && value.startsWith('{') ? JSON.parse(value) : value;
  } catch {
    return value;
  }
}
