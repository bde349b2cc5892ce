import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Running, start } from './command.ts';
import { freePort } from './ports.ts';
import { until } from './service.ts';

const deployed = (name: string) => readFile(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');

export interface Balancer {
  /** `host:port` of its HTTP door, and of its gRPC door where it has one. */
  readonly http: string;
  readonly grpc: string;
  stop(): void;
}

export interface Ports {
  readonly http: number;
  readonly grpc: number;
}

interface HaproxyOptions {
  /** Nothing is ever retried. */
  readonly isStrict?: boolean;
}

/** Real HAProxy on the deployed file, whose replicas are given by port instead of by name. */
export async function startHaproxy(
  replicas: readonly Ports[],
  { isStrict = false }: HaproxyOptions = {},
): Promise<Balancer> {
  const doors = { http: await freePort(), grpc: await freePort() };
  const servers = (line: (replica: Ports) => string) =>
    replicas.map((replica, index) => `  server greet-${index} ${line(replica)}`).join('\n');
  let text = (await deployed('haproxy/haproxy.cfg'))
    .replace('bind :8080', `bind 127.0.0.1:${doors.http}`)
    .replace('bind :50051', `bind 127.0.0.1:${doors.grpc}`)
    .replace(
      /^ *server-template .* greet:8080 .*$/m,
      servers(({ http }) => `127.0.0.1:${http}`),
    )
    .replace(
      /^ *server-template .* greet:50051 .*$/m,
      servers(({ http, grpc }) => `127.0.0.1:${grpc} proto h2 check-proto h1 port ${http}`),
    );
  if (isStrict)
    text = text.replace('retries 3', 'retries 0').replace(/^ *(option redispatch|retry-on).*$/gm, '');
  const file = join(await mkdtemp(join(tmpdir(), 'greet-haproxy-')), 'haproxy.cfg');
  await writeFile(file, text);
  return settle(start('haproxy', ['-db', '-f', file]), doors);
}

/** Real nginx on the deployed file; HTTP only. */
export async function startNginx(replicas: readonly Ports[]): Promise<Balancer> {
  const doors = { http: await freePort(), grpc: 0 };
  const folder = await mkdtemp(join(tmpdir(), 'greet-nginx-'));
  const servers = replicas
    .map(({ http }) => `    server 127.0.0.1:${http} max_fails=2 fail_timeout=1s;`)
    .join('\n');
  const text = (await deployed('nginx/nginx.conf'))
    .replace('listen 8080', `listen 127.0.0.1:${doors.http}`)
    .replace(/^ *server greet:8080 .*$/m, servers)
    .replaceAll('/tmp/', `${folder}/`);
  await writeFile(join(folder, 'nginx.conf'), text);
  return settle(start('nginx', ['-c', join(folder, 'nginx.conf'), '-g', 'daemon off;']), doors);
}

async function settle(running: Running, { http, grpc }: Ports): Promise<Balancer> {
  const url = `http://127.0.0.1:${http}/greet?name=Alice`;
  await until(async () => {
    if (running.process.exitCode !== null) throw new Error((await running.result).stderr);
    return (await fetch(url).catch(() => undefined))?.status === 200;
  });
  return {
    http: `127.0.0.1:${http}`,
    grpc: `127.0.0.1:${grpc}`,
    stop: () => running.process.kill('SIGTERM'),
  };
}
