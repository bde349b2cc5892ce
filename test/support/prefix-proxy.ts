import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from './command.ts';
import { freePort } from './ports.ts';
import { until } from './service.ts';

export interface PrefixProxy {
  /** The URL of the service's root behind the proxy. */
  readonly url: string;
  stop(): Promise<void>;
}

/** nginx that maps `/svc/` to the root of the service. All its other paths are 404. */
export async function startPrefixProxy(serviceUrl: string): Promise<PrefixProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'greet-prefix-'));
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const text = `daemon off;
pid ${folder}/pid;
error_log stderr;
events {}
http {
  access_log off;
  ${temporary.join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    location / { return 404; }
    location /svc/ { proxy_pass ${serviceUrl}/; }
  }
}
`;
  const file = join(folder, 'nginx.conf');
  await writeFile(file, text);
  const nginx = start('nginx', ['-c', file]);
  const url = `http://127.0.0.1:${port}/svc`;
  await until(async () => {
    if (nginx.process.exitCode !== null) throw new Error((await nginx.result).stderr);
    return (await fetch(`${url}/livez`).catch(() => undefined))?.status === 200;
  });
  return {
    url,
    async stop() {
      nginx.process.kill('SIGTERM');
      await nginx.result;
      await rm(folder, { recursive: true });
    },
  };
}
