import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateSettings } from '../../scripts/settings.ts';
import { environmentSchema } from '../../src/config/config.ts';
import { ConfigError, loadConfig } from '../../src/config/load-config.ts';
import { createClientOf } from '../../src/net/client-address.ts';

const read = (name: string) => readFile(new URL(`../../${name}`, import.meta.url), 'utf8');

function faultsOf(env: Record<string, string>): string {
  try {
    loadConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  return '';
}

describe('loadConfig', () => {
  it('has a default for everything', () => {
    expect(loadConfig({})).toEqual({
      host: 'localhost',
      port: 8080,
      grpcPort: 50051,
      adminPort: 9464,
      adminHosts: [],
      misspellings: [],
      logLevel: 'info',
      corsOrigins: '*',
      tls: undefined,
      keepAliveTimeoutMs: 75_000,
      grpc: {
        maxMessageBytes: 4_096,
        maxConcurrentStreams: 100,
        maxConnectionIdleMs: 300_000,
        maxConnectionAgeMs: 600_000,
        maxConnectionAgeGraceMs: 20_000,
        keepaliveTimeMs: 60_000,
        keepaliveTimeoutMs: 20_000,
      },
      maxEventLoopDelayMs: 1_000,
      trustedProxies: [],
      rateLimit: { maxRequests: 0, windowMs: 60_000 },
      drainDelayMs: 7_000,
      shutdownTimeoutMs: 10_000,
      revision: 'unknown',
      admin: { faults: true, profiles: false },
      otel: { isEnabled: false, exporters: [], protocol: 'http/protobuf', remarks: [] },
    });
  });

  it('treats an empty variable as unset, and trims white space', () => {
    expect(loadConfig({ PORT: '', LOG_LEVEL: ' ' })).toEqual(loadConfig({}));
    expect(loadConfig({ PORT: ' 81 ' }).port).toBe(81);
  });

  it('reads a level in any case, and a list with a comma at its end', () => {
    expect(loadConfig({ LOG_LEVEL: 'WARN' }).logLevel).toBe('warn');
    expect(loadConfig({ TRUSTED_PROXIES: '10.0.0.1,' }).trustedProxies).toEqual(['10.0.0.1']);
    expect(loadConfig({ ADMIN_HOSTS: 'Metrics.Example.com, ' }).adminHosts).toEqual(['metrics.example.com']);
  });

  it('lists variables whose names are almost those of settings', () => {
    const { misspellings } = loadConfig({ CORS_ORIGIN: 'https://a.example', HOME: '/root' });
    expect(misspellings).toEqual([{ found: 'CORS_ORIGIN', meant: 'CORS_ORIGINS' }]);
  });

  it('cannot be changed', () => {
    expect(Object.isFrozen(loadConfig({}))).toBe(true);
  });

  it.each([
    ['*', '*'],
    ['https://a.example', ['https://a.example']],
    ['https://a.example, http://localhost:3000', ['https://a.example', 'http://localhost:3000']],
    ['https://a.example,', ['https://a.example']],
    [
      'capacitor://localhost, chrome-extension://abcdef',
      ['capacitor://localhost', 'chrome-extension://abcdef'],
    ],
  ])('reads CORS_ORIGINS=%s', (text, origins) => {
    expect(loadConfig({ CORS_ORIGINS: text }).corsOrigins).toEqual(origins);
  });

  it.each([
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['PORT', '8e3'],
    ['ADMIN_PORT', 'admin'],
    ['CORS_ORIGINS', 'https://a.example/'],
    ['CORS_ORIGINS', 'https://a.example/path'],
    ['CORS_ORIGINS', '*, https://a.example'],
    ['CORS_ORIGINS', 'a.example'],
    ['CORS_ORIGINS', 'https://*.example.com'],
    ['CORS_ORIGINS', 'file:///page.html'],
    ['CORS_ORIGINS', ','],
    ['ADMIN_HOSTS', 'metrics.example.com:9464'],
    ['ADMIN_HOSTS', '*.example.com'],
    ['LOG_LEVEL', 'verbose'],
    ['KEEP_ALIVE_TIMEOUT_MS', '5s'],
    ['RATE_LIMIT_MAX', '-1'],
    ['RATE_LIMIT_WINDOW_MS', '999'],
    ['TRUSTED_PROXIES', '1'],
    ['TRUSTED_PROXIES', 'true'],
    ['TRUSTED_PROXIES', '*'],
    ['TRUSTED_PROXIES', 'proxy.example.com'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '10.0.0.0/255.0.0.0'],
    ['TRUSTED_PROXIES', '0.0.0.0/0'],
    ['TRUSTED_PROXIES', '10.0.0.0/8/8'],
    ['TRUSTED_PROXIES', '10.1'],
    ['TRUSTED_PROXIES', '2001:db8::/129'],
    ['TRUSTED_PROXIES', '::/0'],
    ['DRAIN_DELAY_MS', '-5'],
    ['SHUTDOWN_TIMEOUT_MS', '99999999'],
    ['GRPC_MAX_MESSAGE_BYTES', '10'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'ftp://collector'],
    ['ADMIN_FAULTS', 'no'],
    ['ADMIN_PROFILES', '1'],
  ])('refuses %s=%s, and names what was expected and what was found', (name, value) => {
    expect(faultsOf({ [name]: value })).toMatch(
      new RegExp(`^ {2}${name}: expected .*; got ${JSON.stringify(value).replace(/[*.]/g, '\\$&')}$`, 'm'),
    );
  });

  it.each([
    ['10.0.0.1', ['10.0.0.1']],
    ['loopback, 10.0.0.0/8 ,2001:db8::/32', ['loopback', '10.0.0.0/8', '2001:db8::/32']],
    ['uniquelocal,linklocal,::1,::ffff:10.0.0.1', ['uniquelocal', 'linklocal', '::1', '::ffff:10.0.0.1']],
  ])('reads TRUSTED_PROXIES=%s', (text, proxies) => {
    expect(loadConfig({ TRUSTED_PROXIES: text }).trustedProxies).toEqual(proxies);
  });

  it.each([
    ['[::]', '::'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['::1', '::1'],
    ['greet.example.com', 'greet.example.com'],
  ])('reads HOST=%s', (text, host) => {
    expect(loadConfig({ HOST: text }).host).toBe(host);
  });

  it('reads ADMIN_FAULTS and ADMIN_PROFILES in any case', () => {
    expect(loadConfig({ ADMIN_FAULTS: 'OFF', ADMIN_PROFILES: 'On' }).admin).toEqual({
      faults: false,
      profiles: true,
    });
  });

  it('accepts only TRUSTED_PROXIES that can be used later', () => {
    const prefix = fc.integer({ min: 1, max: 32 });
    const network = fc.oneof(fc.ipV4(), fc.ipV6(), fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), prefix));
    fc.assert(
      fc.property(fc.array(network, { minLength: 1 }), (networks) => {
        const list = networks.map((one) => (typeof one === 'string' ? one : one.join('/')));
        const { trustedProxies } = loadConfig({ TRUSTED_PROXIES: list.join(', ') });
        expect(trustedProxies).toEqual(list);
        expect(createClientOf(trustedProxies)('198.51.100.1', undefined)).toBe('198.51.100.1');
      }),
    );
  });

  it('lists all errors at once', () => {
    expect(faultsOf({ PORT: 'x', ADMIN_PORT: 'y', LOG_LEVEL: 'z' }).split('\n')).toHaveLength(4);
  });

  it('refuses one port for two listeners, except 0', () => {
    expect(faultsOf({ PORT: '9464' })).toContain("ADMIN_PORT: expected another port than PORT's");
    expect(faultsOf({ PORT: '0', ADMIN_PORT: '0' })).toBe('');
  });

  it('refuses a drain that is longer than the orchestrator waits', () => {
    expect(faultsOf({ DRAIN_DELAY_MS: '20000' })).toContain(
      'TERMINATION_GRACE_PERIOD_MS: expected more than 32000',
    );
    expect(faultsOf({ DRAIN_DELAY_MS: '20000', TERMINATION_GRACE_PERIOD_MS: '32001' })).toBe('');
  });
});

describe('the variables of OpenTelemetry', () => {
  const otelOf = (env: Record<string, string>) => loadConfig(env).otel;
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

  it.each<[string, Record<string, string>, string[]]>([
    ['an endpoint', endpoint, ['otlp']],
    ['an endpoint for traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector/v1' }, ['otlp']],
    ['an exporter without an endpoint', { OTEL_TRACES_EXPORTER: 'otlp' }, ['otlp']],
    ['the log', { OTEL_TRACES_EXPORTER: 'Console' }, ['console']],
    ['both', { OTEL_TRACES_EXPORTER: 'console, otlp' }, ['otlp', 'console']],
    ['the supported ones of a list', { ...endpoint, OTEL_TRACES_EXPORTER: 'zipkin,console' }, ['console']],
    ['an exporter that is not supported', { ...endpoint, OTEL_TRACES_EXPORTER: 'zipkin' }, ['otlp']],
    ['nothing at all', {}, []],
    ['none', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }, []],
    ['an SDK that is disabled', { ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }, []],
    ['an SDK that is not disabled', { ...endpoint, OTEL_SDK_DISABLED: 'False' }, ['otlp']],
    ['a boolean that is not valid', { ...endpoint, OTEL_SDK_DISABLED: '1' }, ['otlp']],
  ])('export spans for %s', (_title, env, exporters) => {
    expect(otelOf(env)).toMatchObject({ exporters, isEnabled: exporters.length > 0 });
  });

  it.each([
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'GRPC', 'grpc'],
    ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'http/json', 'http/json'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', '', 'http/protobuf'],
  ])('choose by %s=%s the protocol %s', (name, value, protocol) => {
    expect(otelOf({ ...endpoint, [name]: value })).toMatchObject({ protocol, remarks: [] });
  });

  it('report values that are not supported, and use the default', () => {
    expect(
      otelOf({ ...endpoint, OTEL_TRACES_EXPORTER: 'zipkin', OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' }),
    ).toMatchObject({
      protocol: 'http/protobuf',
      remarks: [
        'OTEL_TRACES_EXPORTER: zipkin is not supported; use otlp, console or none',
        'OTEL_EXPORTER_OTLP_PROTOCOL: thrift is not supported; http/protobuf is used instead',
      ],
    });
  });

  it.each<Record<string, string>>([
    { OTEL_SDK_DISABLED: 'true' },
    { OTEL_TRACES_EXPORTER: 'none' },
    { OTEL_TRACES_EXPORTER: 'console' },
  ])('have no fault for a bad endpoint if nothing is sent to it: %j', (env) => {
    const faulty = { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318', OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' };
    expect(otelOf({ ...faulty, ...env }).remarks).toEqual([]);
  });

  it.each(['collector:4317', 'http://collector:4317', '[::1]:4317'])(
    'may have an endpoint without a scheme for gRPC: %s',
    (value) => {
      const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: value };
      expect(otelOf(env)).toMatchObject({ protocol: 'grpc', exporters: ['otlp'] });
    },
  );

  it('refuse an endpoint that is not valid for gRPC either', () => {
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: 'a b' };
    expect(faultsOf(env)).toContain(
      'OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as http://localhost:4317',
    );
  });
});

describe('.env.example', () => {
  it('sets every variable to its default', async () => {
    const example = parseEnv(await read('.env.example'));
    expect(Object.keys(example).sort()).toEqual(Object.keys(environmentSchema.shape).sort());
    expect(environmentSchema.parse(example)).toEqual(environmentSchema.parse({}));
  });
});

describe('the documented settings', () => {
  it('are the same in docs/settings.md and .env.example; run `npm run settings` if not', async () => {
    expect(await read('docs/settings.md')).toBe(await generateSettings());
  });

  it('have the same defaults in the README', async () => {
    const rows = [...(await read('README.md')).matchAll(/^\| `([A-Z_]+)` \| (?:none|`([^`]*)`) \|/gm)];
    expect(rows.length).toBeGreaterThan(10);
    const defaults = parseEnv(await read('.env.example'));
    for (const [, name = '', value = ''] of rows) expect([name, value]).toEqual([name, defaults[name]]);
  });
});
