import type { VariableFault } from './tls-settings.ts';

const protocols = ['http/protobuf', 'http/json', 'grpc'] as const;

/** How spans leave the process. The SDK itself reads all other `OTEL_*` variables. */
export interface TracingSettings {
  readonly isEnabled: boolean;
  /** Empty if nothing is traced. */
  readonly exporters: readonly ('otlp' | 'console')[];
  readonly protocol: (typeof protocols)[number];
  /** Values that are not supported, each with what is used instead. */
  readonly remarks: readonly string[];
}

type TracingEnvironment = Readonly<
  Partial<
    Record<
      | 'OTEL_SDK_DISABLED'
      | 'OTEL_TRACES_EXPORTER'
      | 'OTEL_EXPORTER_OTLP_ENDPOINT'
      | 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
      | 'OTEL_EXPORTER_OTLP_PROTOCOL'
      | 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
      string | undefined
    >
  >
>;

/**
 * Reads the variables as OpenTelemetry specifies them: booleans and names in any case; unknown values are reported, not refused. One
 * default differs: if neither an endpoint nor an exporter is set, nothing is traced; the specification would export to localhost.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function tracingSettingsOf(env: TracingEnvironment): TracingSettings {
  const names = (env.OTEL_TRACES_EXPORTER ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const isOff = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || names.includes('none');
  const known = (['otlp', 'console'] as const).filter((name) => names.includes(name));
  const byDefault = endpointOf(env) === undefined ? [] : (['otlp'] as const);
  const exporters = isOff ? [] : known.length > 0 ? known : byDefault;

  const remarks = names
    .filter((name) => !isOff && !known.includes(name as (typeof known)[number]))
    .map((name) => `OTEL_TRACES_EXPORTER: ${name} is not supported; use otlp, console or none`);
  const [variable, protocol] = protocolOf(env);
  const offered = protocols.find((name) => name === protocol);
  if (offered === undefined && exporters.includes('otlp'))
    remarks.push(`${variable}: ${protocol} is not supported; ${protocols[0]} is used instead`);
  return Object.freeze({
    isEnabled: exporters.length > 0,
    exporters,
    protocol: offered ?? protocols[0],
    remarks,
  });
}

/** Checks the endpoint. A bad one is a fault and not a remark, because there is no default to use in its place. */
export function endpointFaultsOf(env: TracingEnvironment): readonly VariableFault[] {
  const { exporters, protocol } = tracingSettingsOf(env);
  const variable = endpointOf(env);
  if (variable === undefined || !exporters.includes('otlp')) return [];
  const endpoint = env[variable] ?? '';
  if (protocol === 'grpc') {
    const url = /^\w+:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`;
    if (URL.canParse(url)) return [];
    return [{ variable, message: 'expected a URL such as http://localhost:4317, or a host and a port' }];
  }
  if (/^https?:\/\//i.test(endpoint) && URL.canParse(endpoint)) return [];
  return [{ variable, message: 'expected a URL such as http://localhost:4318' }];
}

/** The name of the endpoint's variable that is in effect. */
function endpointOf(env: TracingEnvironment) {
  if (env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) return 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  return env.OTEL_EXPORTER_OTLP_ENDPOINT ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : undefined;
}

function protocolOf(env: TracingEnvironment): [variable: string, protocol: string] {
  const variable = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL
    ? 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
    : 'OTEL_EXPORTER_OTLP_PROTOCOL';
  return [variable, (env[variable] || protocols[0]).toLowerCase()];
}

/** Variables whose values are case-insensitive in the specification, but not in the SDK. */
const enumerations = /^OTEL_(TRACES_SAMPLER|EXPORTER_OTLP_(TRACES_)?COMPRESSION)$/;
/** Variables with whole numbers, which the SDK does not check; those of the second group may be 0. */
const numbers =
  /^OTEL_(?:(BSP_\w+_SIZE|BSP_EXPORT_TIMEOUT|EXPORTER_OTLP_(?:TRACES_)?TIMEOUT)|(BSP_SCHEDULE_DELAY|\w+_LIMIT))$/;

const pairs = /^OTEL_EXPORTER_OTLP_(TRACES_)?HEADERS$/;

/** Variables that are not supported, unless they have one of these values, and why. */
const notOffered: Readonly<Record<string, readonly [harmless: RegExp, reason: string]>> = {
  OTEL_METRICS_EXPORTER: [/^(none|prometheus)$/i, 'metrics are served at /metrics on ADMIN_PORT alone'],
  OTEL_LOGS_EXPORTER: [/^(none|console)$/i, 'logs are written to standard output alone'],
  OTEL_CONFIG_FILE: [/^$/, 'only variables are read'],
  OTEL_EXPERIMENTAL_CONFIG_FILE: [/^$/, 'only variables are read'],
  OTEL_NODE_RESOURCE_DETECTORS: [/^$/, 'env, host and serviceinstance are used'],
};

/** Trims all variables for the SDK, and removes those that it would misread. @returns a remark for each that is wrong or not supported. */
export function cleanTracingEnvironment(env: NodeJS.ProcessEnv): readonly string[] {
  const remarks: string[] = [];
  for (const [name, value = ''] of Object.entries(env).filter(([key]) => key.startsWith('OTEL_'))) {
    const text = value.trim();
    env[name] = enumerations.test(name) ? text.toLowerCase() : text;
    if (text === '') continue;
    const [, positive] = numbers.exec(name) ?? [];
    const isWanted = /^\d{1,9}$/.test(text) && (positive === undefined || Number(text) > 0);
    if (numbers.test(name) && !isWanted) {
      remarks.push(
        `${name}: expected a whole number${positive ? ' above 0' : ''}, got ${JSON.stringify(text)}`,
      );
      delete env[name];
    }
    // The remark does not show the value, which may be a secret.
    if (pairs.test(name) && !text.split(',').every((pair) => pair.trim() === '' || /^[^=]+=/.test(pair)))
      remarks.push(`${name}: expected name=value, separated by commas; entries in another form are ignored`);
    const [harmless, reason] = notOffered[name] ?? [];
    if (harmless?.test(text) === false) remarks.push(`${name}: ${text} is not supported; ${reason}`);
  }
  return remarks;
}

/**
 * The share of new traces that `parentbased_traceidratio` samples, from 0 to 1; undefined for other samplers, and for a share that the SDK
 * would refuse. The traces of clients follow the client's decision.
 */
export function newTraceShare(env: NodeJS.ProcessEnv): number | undefined {
  const { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: text = '' } = env;
  const share = text === '' ? Number.NaN : Number(text);
  return sampler === 'parentbased_traceidratio' && share >= 0 && share <= 1 ? share : undefined;
}
