import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../src/config.ts';
import { environmentSchema } from '../src/environment.ts';

const read = (name: string) => readFile(new URL(`../${name}`, import.meta.url), 'utf8');

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
      drainDelayMs: 7_000,
      shutdownTimeoutMs: 10_000,
      revision: 'unknown',
      otel: { isEnabled: false, serviceName: 'greet', rootRatio: 1, isParentBased: true },
    });
  });

  it('takes an empty variable for one that is not set, and frees others of white space', () => {
    expect(loadConfig({ PORT: '', LOG_LEVEL: ' ' })).toEqual(loadConfig({}));
    expect(loadConfig({ PORT: ' 81 ' }).port).toBe(81);
  });

  it('cannot be changed', () => {
    expect(Object.isFrozen(loadConfig({}))).toBe(true);
  });

  it.each([
    ['*', '*'],
    ['https://a.example', ['https://a.example']],
    ['https://a.example, http://localhost:3000', ['https://a.example', 'http://localhost:3000']],
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
    ['LOG_LEVEL', 'INFO'],
    ['CORS_ORIGINS', 'https://a.example/'],
    ['CORS_ORIGINS', 'https://a.example/path'],
    ['CORS_ORIGINS', '*, https://a.example'],
    ['CORS_ORIGINS', 'a.example'],
    ['KEEP_ALIVE_TIMEOUT_MS', '5s'],
    ['DRAIN_DELAY_MS', '-5'],
    ['SHUTDOWN_TIMEOUT_MS', '99999999'],
    ['GRPC_MAX_MESSAGE_BYTES', '10'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
  ])('refuses %s=%s, saying what was expected and what was found', (name, value) => {
    expect(faultsOf({ [name]: value })).toMatch(
      new RegExp(`^ {2}${name}: expected .*; got ${JSON.stringify(value).replace(/[*.]/g, '\\$&')}$`, 'm'),
    );
  });

  it('lists every fault at once', () => {
    expect(faultsOf({ PORT: 'x', ADMIN_PORT: 'y', LOG_LEVEL: 'z' }).split('\n')).toHaveLength(4);
  });

  it('refuses one port for two listeners, unless it is any free one', () => {
    expect(faultsOf({ PORT: '9464' })).toContain("ADMIN_PORT: expected another port than PORT's");
    expect(faultsOf({ PORT: '0', ADMIN_PORT: '0' })).toBe('');
  });

  it('refuses a drain that the orchestrator would cut short', () => {
    expect(faultsOf({ DRAIN_DELAY_MS: '20000' })).toContain(
      'TERMINATION_GRACE_PERIOD_MS: expected more than 32000',
    );
    expect(faultsOf({ DRAIN_DELAY_MS: '20000', TERMINATION_GRACE_PERIOD_MS: '32001' })).toBe('');
  });
});

describe('.env.example', () => {
  it('sets every variable to its default', async () => {
    const example = parseEnv(await read('.env.example'));
    expect(Object.keys(example).sort()).toEqual(Object.keys(environmentSchema.shape).sort());
    expect(environmentSchema.parse(example)).toEqual(environmentSchema.parse({}));
  });
});

describe('the table of settings in the README', () => {
  it('has every variable, with its default', async () => {
    const rows = [...(await read('README.md')).matchAll(/^\| `([A-Z_]+)` \| (?:none|`([^`]*)`) \|/gm)];
    const table = Object.fromEntries(rows.map(([, name, value]) => [name, value ?? '']));
    expect(table).toEqual(parseEnv(await read('.env.example')));
  });
});
