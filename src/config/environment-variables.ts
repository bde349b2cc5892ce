import { isIP } from 'node:net';
import * as z from 'zod';
import { isHost } from '../net/host.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

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

/** A comma-separated list. Empty entries are ignored, such as the one after a comma at the end. */
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

/** True for a web origin, and for the origin of an app, such as `capacitor://localhost`, for which the URL parser gives `null`. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text) || text.includes('*')) return false;
  const { origin, protocol, host } = new URL(text);
  return text === (origin === 'null' && host !== '' ? `${protocol}//${host}` : origin);
}

const corsOrigins = list
  .refine(
    (origins) =>
      origins.length > 0 && (origins.every((origin) => isOrigin(origin)) || String(origins) === '*'),
    {
      error:
        'expected * or a comma-separated list of origins such as https://app.example.com (scheme, host and port only; no path, no closing slash, no * within)',
    },
  )
  .transform((origins): '*' | readonly string[] => (origins[0] === '*' ? '*' : origins));

const hostNames = list
  .transform((names) => names.map((name) => name.toLowerCase()))
  .refine((names) => names.every((name) => isHost(name) && !name.includes(':') && !name.includes('*')), {
    error: 'expected a comma-separated list of host names such as metrics.example.com (no port, no *)',
  });

const namedNetworks = ['loopback', 'linklocal', 'uniquelocal'];

/** An address, a network in CIDR notation (RFC 4632, section 3.1), or a name for some networks. */
function isNetwork(text: string): boolean {
  const [address = '', prefix = '1', ...rest] = text.split('/');
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  const isPrefix = /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits;
  return namedNetworks.includes(text) || (isPrefix && rest.length === 0);
}

const trustedProxies = list.refine((networks) => networks.every(isNetwork), {
  error:
    'expected a comma-separated list of addresses and networks such as 192.0.2.7,10.0.0.0/8,2001:db8::/32, ' +
    `or of ${namedNetworks.join(', ')}`,
});

/** An IPv6 address may have brackets, as in a URL. */
const host = z
  .string()
  .trim()
  .transform((text) => text.replace(/^\[(.*)\]$/, '$1'));

const onOrOff = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['on', 'off'], { error: 'expected on or off' }));

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
  TLS_CERT_FILE: z.string().trim().default(''),
  TLS_KEY_FILE: z.string().trim().default(''),
  GRPC_TLS_CLIENT_CA_FILE: z.string().trim().default(''),
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
  BUILD_REVISION: z.string().trim().default('unknown'),
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
