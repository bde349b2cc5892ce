import { z } from 'zod';

/** What a drain may take at its end, after the listeners are closed, to write out logs and telemetry, in milliseconds. */
export const flushTimeoutMs = 2_000;

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const integer = (what: string, min: number, max: number) => {
  const error = `expected ${what}, a whole number from ${min} to ${max}`;
  return z
    .string()
    .trim()
    .regex(/^\d+$/, { error, abort: true })
    .transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }));
};

const port = (what: string) => integer(`the port for ${what} (0 = any free port)`, 0, 65_535);
const milliseconds = (what: string) => integer(`${what}, in milliseconds`, 0, 3_600_000);

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

const corsOrigins = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .refine((list) => (list.length === 1 && list[0] === '*') || list.every(isOrigin), {
    error:
      'expected * or a comma-separated list of origins such as https://app.example.com (scheme, host and port only; no path, no closing slash)',
  })
  .transform((list): '*' | readonly string[] => (list[0] === '*' ? '*' : list));

/** Every variable the service reads, with its default as one would write it in the environment. */
export const environmentSchema = z.object({
  HOST: z.string().trim().default('localhost'),
  PORT: port('HTTP').prefault('8080'),
  GRPC_PORT: port('gRPC').prefault('50051'),
  ADMIN_PORT: port('the admin listener').prefault('9464'),
  LOG_LEVEL: z.enum(logLevels, { error: `expected one of ${logLevels.join(', ')}` }).default('info'),
  CORS_ORIGINS: corsOrigins.prefault('*'),
  KEEP_ALIVE_TIMEOUT_MS: milliseconds('how long an idle connection is kept').prefault('75000'),
  GRPC_MAX_MESSAGE_BYTES: integer('the largest message', 1_024, 4_194_304).prefault('4096'),
  GRPC_MAX_CONCURRENT_STREAMS: integer('calls at once on one connection', 1, 10_000).prefault('100'),
  GRPC_MAX_CONNECTION_IDLE_MS: milliseconds('how long a connection without calls is kept').prefault('300000'),
  GRPC_MAX_CONNECTION_AGE_MS: milliseconds('how long any connection is kept').prefault('600000'),
  GRPC_MAX_CONNECTION_AGE_GRACE_MS: milliseconds(
    'how long calls on an old connection may take to end',
  ).prefault('20000'),
  GRPC_KEEPALIVE_TIME_MS: milliseconds('how often a silent client is asked whether it is there').prefault(
    '60000',
  ),
  GRPC_KEEPALIVE_TIMEOUT_MS: milliseconds('how long it may take to answer').prefault('20000'),
  DRAIN_DELAY_MS: milliseconds('how long to serve on after readiness fell').prefault('5000'),
  SHUTDOWN_TIMEOUT_MS: milliseconds('how long requests in flight may take to end').prefault('10000'),
  TERMINATION_GRACE_PERIOD_MS: milliseconds('how long the orchestrator waits before it kills').prefault(
    '30000',
  ),
});

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly grpcPort: number;
  readonly adminPort: number;
  readonly logLevel: (typeof logLevels)[number];
  readonly corsOrigins: '*' | readonly string[];
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
  readonly drainDelayMs: number;
  readonly shutdownTimeoutMs: number;
}

/** Lists every fault of the environment, one line each, in words for the person who set it. */
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
    (env): Config =>
      Object.freeze({
        host: env.HOST,
        port: env.PORT,
        grpcPort: env.GRPC_PORT,
        adminPort: env.ADMIN_PORT,
        logLevel: env.LOG_LEVEL,
        corsOrigins: env.CORS_ORIGINS,
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
        drainDelayMs: env.DRAIN_DELAY_MS,
        shutdownTimeoutMs: env.SHUTDOWN_TIMEOUT_MS,
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
 * Reads the configuration from environment variables; an empty one counts as unset.
 *
 * @throws {ConfigError} that names every bad variable, what was expected and what was found.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const known = Object.keys(environmentSchema.shape).map((name) => [name, env[name]?.trim() || undefined]);
  const result = configSchema.safeParse(Object.fromEntries(known));
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map(({ path: [name], message }) => {
      const found = env[String(name)];
      return `${String(name)}: ${message}${found === undefined ? '' : `; got ${JSON.stringify(found)}`}`;
    }),
  );
}
