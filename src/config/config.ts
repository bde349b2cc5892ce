import type * as z from 'zod';
import type { TlsFiles } from '../net/tls/files.ts';
import { environmentSchema, type logLevels } from './environment-variables.ts';
import { findMisspellings, type Misspelling } from './misspelt-variables.ts';
import { tlsFaultsOf, tlsFilesOf } from './tls-settings.ts';
import { endpointFaultsOf, type TracingSettings, tracingSettingsOf } from './tracing-settings.ts';

/** Time at the end of a drain for the last logs and spans, after the listeners are closed, in milliseconds. */
export const flushTimeoutMs = 2_000;

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

/** Lists every error of the configuration, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(faults: readonly string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
}

const configSchema = environmentSchema
  .superRefine(checkPorts)
  .superRefine(checkGrace)
  .transform(
    (env): Omit<Config, 'misspellings'> =>
      Object.freeze({
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
      }),
  );

type Environment = z.output<typeof environmentSchema>;

function checkPorts(env: Environment, ctx: z.RefinementCtx): void {
  const names = ['PORT', 'GRPC_PORT', 'ADMIN_PORT'] as const;
  for (const [index, name] of names.entries()) {
    const other = names.slice(0, index).find((earlier) => env[earlier] !== 0 && env[earlier] === env[name]);
    if (other)
      ctx.addIssue({ code: 'custom', path: [name], message: `expected another port than ${other}'s` });
  }
}

function checkGrace(env: Environment, ctx: z.RefinementCtx): void {
  const needed = env.DRAIN_DELAY_MS + env.SHUTDOWN_TIMEOUT_MS + flushTimeoutMs;
  if (needed < env.TERMINATION_GRACE_PERIOD_MS) return;
  ctx.addIssue({
    code: 'custom',
    path: ['TERMINATION_GRACE_PERIOD_MS'],
    message:
      `expected more than ${needed}: DRAIN_DELAY_MS (${env.DRAIN_DELAY_MS}) + SHUTDOWN_TIMEOUT_MS (${env.SHUTDOWN_TIMEOUT_MS}) + ${flushTimeoutMs} for the last logs, ` +
      'or the orchestrator kills the process in the middle of its drain',
  });
}

/**
 * Reads the configuration from environment variables. An empty variable counts as unset.
 *
 * @throws {ConfigError} that names every bad variable, what was expected and what was found.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const known = Object.fromEntries(
    Object.keys(environmentSchema.shape).map((name) => [name, env[name]?.trim() || undefined]),
  );
  const result = configSchema.safeParse(known);
  const faults = [
    ...(result.error?.issues ?? []).map(({ path: [name], message }) => ({ variable: String(name), message })),
    ...tlsFaultsOf(known),
    ...endpointFaultsOf(known),
  ];
  if (result.success && faults.length === 0) {
    const misspellings = findMisspellings(Object.keys(env), Object.keys(environmentSchema.shape));
    return Object.freeze({ ...result.data, misspellings });
  }
  throw new ConfigError(
    faults.map(({ variable, message }) => {
      const found = env[variable];
      return `${variable}: ${message}${found === undefined ? '' : `; got ${JSON.stringify(found)}`}`;
    }),
  );
}
