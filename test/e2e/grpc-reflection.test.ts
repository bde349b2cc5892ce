import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing, run, start } from '../support/command.ts';
import { type Program, runProgram } from '../support/program.ts';
import { registry } from '../support/proto.ts';
import { until } from '../support/service.ts';

const services = [
  'greet.GreetService',
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];
const reflected = { listServicesResponse: { service: services.map((name) => ({ name })) } };
/** A request for each method, and text that its response must contain. A method without an entry fails its test. */
const samples: Readonly<Record<string, readonly [request: object, answer: object]>> = {
  'greet.GreetService/Greet': [{ message: 'Zoë 世界' }, { message: 'Hello, Zoë 世界' }],
  'grpc.health.v1.Health/Check': [{ service: '' }, { status: 'SERVING' }],
  'grpc.health.v1.Health/List': [{}, { statuses: { 'greet.GreetService': { status: 'SERVING' } } }],
  'grpc.health.v1.Health/Watch': [{ service: 'greet.GreetService' }, { status: 'SERVING' }],
  'grpc.reflection.v1.ServerReflection/ServerReflectionInfo': [{ listServices: '' }, reflected],
  'grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': [{ listServices: '' }, reflected],
};
const methods = services.flatMap((service) =>
  (registry.getService(service)?.methods ?? []).map(({ name }) => `${service}/${name}`),
);
const endless = 'grpc.health.v1.Health/Watch';

let program: Program;
let address: string;
beforeAll(async () => {
  program = await runProgram();
  address = (await program.listening()).grpc;
});
afterAll(() => program.dispose());

/** Runs a client until it has printed the text, or to its end. */
async function printed(command: string, args: readonly string[], isEndless: boolean): Promise<string> {
  if (!isEndless) {
    const { code, stdout, stderr } = await run(command, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  }
  const running = start(command, args);
  await until(() => running.stdout().includes('}'));
  const seen = running.stdout();
  running.process.kill();
  await running.result;
  return seen;
}

// In CI nothing may be skipped.
const withoutGo = missing('go');
describe.skipIf(withoutGo)(`grpcurl${withoutGo ? `: ${withoutGo}` : ''}`, () => {
  let folder: string;
  let grpcurl: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greet-grpcurl-'));
    grpcurl = join(folder, 'grpcurl');
    const env = { ...process.env, GOBIN: folder };
    const module = 'github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4';
    expect(await run('go', ['install', module], { env })).toMatchObject({ code: 0 });
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true }));

  const ask = (...args: string[]) => run(grpcurl, ['-plaintext', ...args]);

  it('lists every service', async () => {
    expect(await ask(address, 'list')).toMatchObject({ code: 0, stdout: `${services.join('\n')}\n` });
  });

  it('describes everything at once', async () => {
    const { code, stdout } = await ask(address, 'describe');
    expect(code).toBe(0);
    for (const service of services) expect(stdout).toContain(`${service} is a service:`);
    // The comments of the proto are included.
    expect(stdout).toContain('// Greets people by name.');
  });

  it.each(services)('describes %s, and each message of it', async (service) => {
    expect(await ask(address, 'describe', service)).toMatchObject({ code: 0, stderr: '' });
    for (const { input, output } of registry.getService(service)?.methods ?? []) {
      for (const { typeName } of [input, output])
        expect((await ask(address, 'describe', typeName)).stdout).toContain(`${typeName} is a message:`);
    }
  });

  it.each(methods)('calls %s', async (method) => {
    const [request, answer] = samples[method] ?? [];
    const args = ['-plaintext', '-d', JSON.stringify(request), address, method];
    expect(JSON.parse(await printed(grpcurl, args, method === endless))).toMatchObject(
      answer ?? { no: 'sample' },
    );
  });

  it('shows the details of a refusal as text', async () => {
    const { code, stderr } = await ask('-d', '{"message":""}', address, 'greet.GreetService/Greet');
    expect(code).toBe(64 + 3);
    expect(stderr).toContain('"@type": "type.googleapis.com/google.rpc.BadRequest"');
    expect(stderr).toContain(
      '"description": "is required: 1 to 100 characters, not counting white space around them"',
    );
  });

  it('describes the details of refusals', async () => {
    for (const type of [
      'google.rpc.Status',
      'google.rpc.BadRequest',
      'google.rpc.RetryInfo',
      'google.protobuf.Any',
    ])
      expect((await ask(address, 'describe', type)).stdout).toContain(`${type} is a message:`);
  });
});

describe('buf curl', () => {
  let buf: string;
  beforeAll(async () => {
    // This starts the program itself. The package's launcher would start it as a child process that outlives the launcher.
    const { stdout } = await run('npx', ['--yes', '-p', '@bufbuild/buf@1.75.0', '-c', 'command -v buf']);
    const { platform, arch } = process;
    buf = join(dirname(stdout.trim()), `../@bufbuild/buf-${platform}-${arch}/bin/buf`);
  }, 240_000);
  const curl = ['curl', '--http2-prior-knowledge', '--protocol', 'grpc'];

  it.each(['grpc-v1', 'grpc-v1alpha'])('lists every method by %s', async (protocol) => {
    const args = [...curl, '--reflect-protocol', protocol, '--list-methods', `http://${address}`];
    const { stdout } = await run(buf, args);
    expect(stdout.trim().split('\n')).toEqual(methods.toSorted());
  });

  it.each(methods)('calls %s', async (method) => {
    const [request, answer] = samples[method] ?? [];
    const args = [...curl, '-d', JSON.stringify(request), `http://${address}/${method}`];
    expect(JSON.parse(await printed(buf, args, method === endless))).toMatchObject(
      answer ?? { no: 'sample' },
    );
  });
});
