import * as z from 'zod';
import type { TlsFiles } from '../net/tls/files.ts';
import type { Misspelling } from './misspelt-variables.ts';
import { tlsFilesOf } from './tls-settings.ts';
import { type TracingSettings, tracingSettingsOf } from './tracing-settings.ts';
import {
  corsOrigins,
  host,
  hostNames,
  integer,
  milliseconds,
  onOrOff,
  port,
  trustedProxies,
} from './variable-types.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const text = z.string().trim().default('');

/** Every variable of the service. A default is written as in the environment. */
export const environmentSchema = z.object({
  HOST: host.prefault('localhost'),
  PORT: port('HTTP').prefault('8080'),
  GRPC_PORT: port('gRPC').prefault('50051'),
  ADMIN_PORT: port('the admin listener').prefault('9464'),
  ADMIN_FAULTS: onOrOff.prefault('on'),
  ADMIN_PROFILES: onOrOff.prefault('off'),
  ADMIN_HOSTS: hostNames.prefault(''),
  LOG_LEVEL: z
    .string()
    .trim()
    .toLowerCase()
    .pipe(z.enum(logLevels, { error: `expected one of ${logLevels.join(', ')}` }))
    .prefault('info'),
  CORS_ORIGINS: corsOrigins.prefault('*'),
  TLS_CERT_FILE: text,
  TLS_KEY_FILE: text,
  GRPC_TLS_CLIENT_CA_FILE: text,
  KEEP_ALIVE_TIMEOUT_MS: milliseconds('how long an idle connection is kept').prefault('75000'),
  GRPC_MAX_MESSAGE_BYTES: integer('the largest message', 1_024, 4_194_304).prefault('4096'),
  GRPC_MAX_CONCURRENT_STREAMS: integer('calls at once on one connection', 1, 10_000).prefault('100'),
  GRPC_MAX_CONNECTION_IDLE_MS: milliseconds('how long a connection without calls is kept').prefault('300000'),
  GRPC_MAX_CONNECTION_AGE_MS: milliseconds('how long any connection is kept').prefault('600000'),
  GRPC_MAX_CONNECTION_AGE_GRACE_MS: milliseconds(
    'how long calls on an old connection may take to end',
  ).prefault('20000'),
  GRPC_KEEPALIVE_TIME_MS: milliseconds('how long a client may be silent before it is pinged').prefault(
    '60000',
  ),
  GRPC_KEEPALIVE_TIMEOUT_MS: milliseconds('how long it may take to answer the ping').prefault('20000'),
  MAX_EVENT_LOOP_DELAY_MS: milliseconds(
    'how late the event loop may run before greetings are refused',
  ).prefault('1000'),
  TRUSTED_PROXIES: trustedProxies.prefault(''),
  RATE_LIMIT_MAX: integer(
    'how many requests one address may send in the window (0 = any number)',
    0,
    1_000_000_000,
  ).prefault('0'),
  RATE_LIMIT_WINDOW_MS: integer('the window, in milliseconds', 1_000, 3_600_000).prefault('60000'),
  DRAIN_DELAY_MS: milliseconds('how long to go on serving after SIGTERM').prefault('7000'),
  SHUTDOWN_TIMEOUT_MS: milliseconds('how long requests in flight may take to end').prefault('10000'),
  BUILD_REVISION: text.default('unknown'),
  OTEL_EXPORTER_OTLP_ENDPOINT: text,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: text,
  OTEL_EXPORTER_OTLP_PROTOCOL: text.default('http/protobuf'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: text,
  OTEL_TRACES_EXPORTER: text,
  OTEL_SDK_DISABLED: text.default('false'),
  // These are for the SDK, which reads and checks them itself.
  OTEL_SERVICE_NAME: text.default('greet'),
  OTEL_RESOURCE_ATTRIBUTES: text,
  OTEL_PROPAGATORS: text.default('tracecontext,baggage'),
  OTEL_TRACES_SAMPLER: text.default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: text.default('1'),
  TERMINATION_GRACE_PERIOD_MS: milliseconds('how long the orchestrator waits before it kills').prefault(
    '30000',
  ),
});

export type EnvironmentVariables = z.output<typeof environmentSchema>;

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly grpcPort: number;
  readonly adminPort: number;
  /** Host names, besides localhost, that the admin port accepts. */
  readonly adminHosts: readonly string[];
  readonly logLevel: (typeof logLevels)[number];
  readonly corsOrigins: '*' | readonly string[];
  /** Undefined if HTTP and gRPC are served in clear text. */
  readonly tls: TlsFiles | undefined;
  readonly keepAliveTimeoutMs: number;
  readonly grpc: {
    readonly maxMessageBytes: number;
    readonly maxConcurrentStreams: number;
    readonly maxConnectionIdleMs: number;
    readonly maxConnectionAgeMs: number;
    readonly maxConnectionAgeGraceMs: number;
    readonly keepaliveTimeMs: number;
    readonly keepaliveTimeoutMs: number;
  };
  readonly maxEventLoopDelayMs: number;
  /** Proxies whose X-Forwarded-For is trusted: addresses, networks in CIDR notation, and proxy-addr's names such as `loopback`. */
  readonly trustedProxies: readonly string[];
  /** The budget of each client over all transports; no limit if maxRequests is 0. */
  readonly rateLimit: { readonly maxRequests: number; readonly windowMs: number };
  readonly drainDelayMs: number;
  readonly shutdownTimeoutMs: number;
  /** Variables whose names are almost those of settings. Nothing reads them. */
  readonly misspellings: readonly Misspelling[];
  /** The commit of this build. */
  readonly revision: string;
  /** Which optional parts of the admin port are on. */
  readonly admin: { readonly faults: boolean; readonly profiles: boolean };
  readonly otel: TracingSettings;
}

/** Converts valid variables into the configuration. */
export function configOf(env: EnvironmentVariables): Omit<Config, 'misspellings'> {
  return Object.freeze({
    host: env.HOST,
    port: env.PORT,
    grpcPort: env.GRPC_PORT,
    adminPort: env.ADMIN_PORT,
    adminHosts: env.ADMIN_HOSTS,
    logLevel: env.LOG_LEVEL,
    corsOrigins: env.CORS_ORIGINS,
    tls: tlsFilesOf(env),
    keepAliveTimeoutMs: env.KEEP_ALIVE_TIMEOUT_MS,
    grpc: Object.freeze({
      maxMessageBytes: env.GRPC_MAX_MESSAGE_BYTES,
      maxConcurrentStreams: env.GRPC_MAX_CONCURRENT_STREAMS,
      maxConnectionIdleMs: env.GRPC_MAX_CONNECTION_IDLE_MS,
      maxConnectionAgeMs: env.GRPC_MAX_CONNECTION_AGE_MS,
      maxConnectionAgeGraceMs: env.GRPC_MAX_CONNECTION_AGE_GRACE_MS,
      keepaliveTimeMs: env.GRPC_KEEPALIVE_TIME_MS,
      keepaliveTimeoutMs: env.GRPC_KEEPALIVE_TIMEOUT_MS,
    }),
    maxEventLoopDelayMs: env.MAX_EVENT_LOOP_DELAY_MS,
    trustedProxies: env.TRUSTED_PROXIES,
    rateLimit: Object.freeze({ maxRequests: env.RATE_LIMIT_MAX, windowMs: env.RATE_LIMIT_WINDOW_MS }),
    drainDelayMs: env.DRAIN_DELAY_MS,
    shutdownTimeoutMs: env.SHUTDOWN_TIMEOUT_MS,
    revision: env.BUILD_REVISION,
    admin: Object.freeze({ faults: env.ADMIN_FAULTS === 'on', profiles: env.ADMIN_PROFILES === 'on' }),
    otel: tracingSettingsOf(env),
  });
}
