import { access, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { environmentSchema } from '../../src/config/config.ts';
import { flushTimeoutMs, loadConfig } from '../../src/config/load-config.ts';

const folder = new URL('../../deploy/', import.meta.url);
const read = (name: string) => readFile(new URL(name, folder), 'utf8');

interface Service {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>;
  readonly networks?: readonly string[] | { readonly greet: { readonly ipv4_address: string } };
  readonly stop_grace_period?: string;
  readonly build?: { readonly args: Readonly<Record<string, string>> };
  readonly deploy?: { readonly replicas: number };
}

const { services } = parse(await read('compose.yaml')) as { services: Record<string, Service> };
const { haproxy, nginx, envoy } = services;
const balancers = { haproxy, nginx, envoy };

describe('deploy/compose.yaml', () => {
  it('pins every image', () => {
    const images = Object.values(services).flatMap(({ image }) => image ?? []);
    expect(images.length).toBeGreaterThan(3);
    for (const image of images) expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
  });

  it('builds and names the version in package.json', async () => {
    const { version } = JSON.parse(await read('../package.json'));
    expect(services.greet?.image).toBe(`greet:${version}`);
    expect(services.greet?.build?.args).toMatchObject({ VERSION: version });
  });

  it('opens no port to other machines', () => {
    const ports = Object.values(services).flatMap(({ ports: opened = [] }) => opened);
    expect(ports.length).toBeGreaterThan(5);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    expect(new Set(ports.map((port) => port.split(':')[1])).size).toBe(ports.length);
  });

  it.each(Object.entries(balancers))('starts %s when the replicas are healthy', (_name, balancer) => {
    expect(balancer?.depends_on).toEqual({ greet: { condition: 'service_healthy' } });
  });

  it('sets the addresses of the balancers as the only trusted proxies', () => {
    const addresses = Object.values(balancers).map((balancer) =>
      balancer?.networks && 'greet' in balancer.networks ? balancer.networks.greet.ipv4_address : undefined,
    );
    expect(loadConfig(services.greet?.environment ?? {}).trustedProxies).toEqual(addresses);
  });

  it('mounts only files that exist', async () => {
    for (const { volumes = [] } of Object.values(services)) {
      for (const volume of volumes) await access(new URL(volume.split(':')[0] ?? '', folder));
    }
  });

  it('gives greet a valid environment, and more time than its drain needs', () => {
    const { environment = {}, stop_grace_period: grace = '' } = services.greet ?? {};
    for (const name of Object.keys(environment)) expect(Object.keys(environmentSchema.shape)).toContain(name);
    const { drainDelayMs, shutdownTimeoutMs, otel } = loadConfig(environment);
    expect(otel.isEnabled).toBe(true);
    expect(Number.parseInt(grace, 10) * 1_000).toBeGreaterThan(
      drainDelayMs + shutdownTimeoutMs + flushTimeoutMs,
    );
  });

  it('sends the alerts of Prometheus to an existing service', async () => {
    const { alerting } = parse(await read('prometheus/prometheus.yml'));
    const [target] = alerting.alertmanagers[0].static_configs[0].targets;
    expect(Object.keys(services)).toContain(target.split(':')[0]);
  });

  it('configures HAProxy and Prometheus with the ports that greet listens on', async () => {
    const { port, grpcPort, adminPort } = loadConfig({});
    const file = await read('haproxy/haproxy.cfg');
    expect(file).toContain(`greet:${port}\n`);
    expect(file).toContain(`greet:${grpcPort} `);
    expect(file).toContain(`http-check connect port ${port} proto h1`);
    const prometheus = parse(await read('prometheus/prometheus.yml'));
    expect(prometheus.scrape_configs[0].dns_sd_configs[0]).toMatchObject({
      names: ['greet'],
      port: adminPort,
    });
  });
});
