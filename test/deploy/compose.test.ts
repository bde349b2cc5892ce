import { access, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { flushTimeoutMs, loadConfig } from '../../src/config/config.ts';
import { environmentSchema } from '../../src/config/environment.ts';

const folder = new URL('../../deploy/', import.meta.url);
const read = (name: string) => readFile(new URL(name, folder), 'utf8');

interface Service {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly stop_grace_period?: string;
}

const { services } = parse(await read('compose.yaml')) as { services: Record<string, Service> };

describe('deploy/compose.yaml', () => {
  it('pins every image', () => {
    const images = Object.values(services).flatMap(({ image }) => image ?? []);
    expect(images.length).toBeGreaterThan(3);
    for (const image of images) expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
  });

  it('mounts only what is there', async () => {
    for (const { volumes = [] } of Object.values(services)) {
      for (const volume of volumes) await access(new URL(volume.split(':')[0] ?? '', folder));
    }
  });

  it('gives greet an environment that it takes, and more time than its drain needs', () => {
    const { environment = {}, stop_grace_period: grace = '' } = services.greet ?? {};
    for (const name of Object.keys(environment)) expect(Object.keys(environmentSchema.shape)).toContain(name);
    const { drainDelayMs, shutdownTimeoutMs, otel } = loadConfig(environment);
    expect(otel.isEnabled).toBe(true);
    expect(Number.parseInt(grace, 10) * 1_000).toBeGreaterThan(
      drainDelayMs + shutdownTimeoutMs + flushTimeoutMs,
    );
  });

  it('has HAProxy and Prometheus look for greet on the ports that it listens on', async () => {
    const { port, grpcPort, adminPort } = loadConfig({});
    const haproxy = await read('haproxy/haproxy.cfg');
    expect(haproxy).toContain(`greet:${port} `);
    expect(haproxy).toContain(`greet:${grpcPort} `);
    expect(haproxy).toContain(`check-proto h1 port ${port}`);
    const prometheus = parse(await read('prometheus/prometheus.yml'));
    expect(prometheus.scrape_configs[0].dns_sd_configs[0]).toMatchObject({
      names: ['greet'],
      port: adminPort,
    });
  });
});
