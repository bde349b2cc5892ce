import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { greetService } from '../../src/grpc/contract.ts';
import { descriptorsFile } from '../../src/shipped-files.ts';
import { cases } from '../cases.ts';
import { missing, run, start } from '../support/command.ts';
import { type Program, runProgram } from '../support/program.ts';
import { protobufBytes } from '../support/protobuf-bytes.ts';
import { until } from '../support/service.ts';

const folder = fileURLToPath(new URL('go/', import.meta.url));
const proto = fileURLToPath(new URL('../../proto', import.meta.url));
const buf = ['--yes', '-p', '@bufbuild/buf@1.75.0', 'buf'];
// Debian's Go is too old for current gRPC, so the tests cannot install it. Without Go they are skipped; in CI nothing may be skipped.
const withoutGo = missing('go');

const services = [
  'greet.GreetService',
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];

let program: Program;
beforeEach(async () => {
  program = await runProgram({ env: { DRAIN_DELAY_MS: '500' } });
});
afterEach(() => program.dispose());

describe.skipIf(withoutGo)(
  `a Go program built from the plain proto${withoutGo ? `: ${withoutGo}` : ''}`,
  () => {
    let peer: string;
    beforeAll(async () => {
      const bin = await mkdtemp(join(tmpdir(), 'greet-go-'));
      peer = join(bin, 'peer');
      const env = { ...process.env, GOBIN: bin, PATH: `${bin}:${process.env.PATH}` };
      const must = async (command: string, args: string[]) => {
        const result = await run(command, args, { env, cwd: folder });
        if (result.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr}`);
      };
      await must('go', ['install', 'google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.11']);
      await must('go', ['install', 'google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2']);
      await must('npx', [...buf, 'generate', proto, '--path', `${proto}/greet.proto`]);
      await must('go', ['build', '-o', peer, '.']);
    }, 240_000);

    const ask = async (mode: string, ...args: string[]) => {
      const { grpc } = await program.listening();
      return run(peer, [mode, grpc, ...args]);
    };

    it('prints the greeting', async () => {
      expect(await ask('greet', 'world')).toMatchObject({ code: 0, stdout: 'Greeting: Hello, world\n' });
    });

    it('gets the same greeting or error message as over HTTP for each name', async () => {
      const { grpc, http } = await program.listening();
      const names = cases.map(({ name }) => name);
      const { stdout } = await run(peer, ['cases', grpc], { input: JSON.stringify(names) });
      const answers = JSON.parse(stdout) as {
        greeting?: string;
        code?: string;
        details?: string;
        violations?: string[];
      }[];
      for (const [index, { name, greeting, faults }] of cases.entries()) {
        const response = await fetch(`${http}/greet?name=${encodeURIComponent(name)}`);
        const text = await response.text();
        if (greeting !== undefined) {
          expect(answers[index]).toEqual({ greeting });
          expect(text).toBe(greeting);
        } else {
          expect(answers[index]).toEqual({
            code: 'InvalidArgument',
            details: JSON.parse(text).detail,
            violations: faults?.map((fault) => `message ${fault}`),
          });
        }
      }
    });

    it('finds the services by reflection, calls one without a proto, and reads health', async () => {
      expect(JSON.parse((await ask('reflect')).stdout)).toEqual({
        services,
        greeting: 'Hello, reflection',
        health: { '': 'SERVING', 'greet.GreetService': 'SERVING', nope: 'NotFound' },
      });
    });

    it('watches health during a drain, which still ends with exit code 0', async () => {
      const { grpc } = await program.listening();
      const watching = start(peer, ['watch', grpc]);
      await until(() => watching.stdout().includes('SERVING'));
      program.process.kill('SIGTERM');
      expect(await program.exited).toBe(0);
      expect((await watching.result).stdout).toBe('SERVING\nNOT_SERVING\nUnavailable\n');
    });
  },
);

const withoutPython = missing('python3');
describe.skipIf(withoutPython)(`a Python program${withoutPython ? `: ${withoutPython}` : ''}`, () => {
  let venv: string;
  beforeAll(async () => {
    venv = await mkdtemp(join(tmpdir(), 'greet-python-'));
    const must = async (command: string, args: string[]) => {
      const result = await run(command, args);
      if (result.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr}`);
    };
    await must('python3', ['-m', 'venv', venv]);
    const packages = ['grpcio', 'grpcio-health-checking', 'grpcio-reflection', 'grpcio-status'];
    const pip = ['install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
    await must(join(venv, 'bin/pip'), [...pip, ...packages.map((name) => `${name}==1.85.1`)]);
  }, 240_000);
  afterAll(() => rm(venv, { recursive: true }));

  const ask = async (mode: string, input: readonly string[] = []) => {
    const { grpc } = await program.listening();
    const peer = fileURLToPath(new URL('python/peer.py', import.meta.url));
    const { stdout, stderr } = await run(join(venv, 'bin/python'), [peer, mode, grpc], {
      input: JSON.stringify(input),
    });
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  };

  it('gets the expected greeting or error for each name, without a proto', async () => {
    const answers = await ask(
      'cases',
      cases.map(({ name }) => name),
    );
    for (const [index, { greeting, faults }] of cases.entries()) {
      if (greeting !== undefined) expect(answers[index]).toEqual({ greeting });
      else
        expect(answers[index]).toEqual({
          code: 'INVALID_ARGUMENT',
          details: faults?.map((fault) => `name ${fault}`).join('; '),
          violations: faults?.map((fault) => `message ${fault}`),
        });
    }
  });

  it('finds every method by reflection', async () => {
    expect(await ask('reflect')).toEqual({
      services,
      methods: expect.arrayContaining(['greet.GreetService/Greet', 'grpc.health.v1.Health/List']),
    });
  });

  it('reads health', async () => {
    expect(await ask('health')).toEqual({
      check: 'SERVING',
      watch: 'SERVING',
      list: { '': 'SERVING', 'greet.GreetService': 'SERVING' },
    });
  });

  it('decodes each message as the service does', async () => {
    const messages = fc.sample(protobufBytes([1, 1, 1, 2, 16], { isPlain: true }), 2_000);
    const read = (bytes: Buffer) => {
      try {
        return greetService.Greet.requestDeserialize(bytes).message;
      } catch {
        return null;
      }
    };
    const names = await ask(
      'decode',
      messages.map((bytes) => bytes.toString('hex')),
    );
    const differences = messages
      .map((bytes, index) => ({ bytes: bytes.toString('hex'), python: names[index], ours: read(bytes) }))
      .filter(({ python, ours }) => python !== ours);
    expect(differences).toEqual([]);
    // The samples must contain both valid and invalid messages.
    expect(new Set(names.map((name: unknown) => name === null)).size).toBe(2);
  });
});

describe('buf', () => {
  it('compiles the same descriptors as the committed ones', async () => {
    const output = join(await mkdtemp(join(tmpdir(), 'greet-proto-')), 'descriptors.binpb');
    const generate = fileURLToPath(new URL('../../scripts/proto/generate.ts', import.meta.url));
    expect(await run('npx', ['tsx', generate, output])).toMatchObject({ code: 0 });
    expect(await readFile(output)).toEqual(await readFile(descriptorsFile));
  });

  it('reports no fault in the proto', async () => {
    expect(await run('npx', [...buf, 'lint', proto])).toMatchObject({ code: 0, stdout: '' });
  });

  it('calls Greet without a proto, by reflection', async () => {
    const { grpc } = await program.listening();
    const url = `http://${grpc}/greet.GreetService/Greet`;
    const { stdout } = await run('npx', [
      ...buf,
      'curl',
      '--http2-prior-knowledge',
      '--protocol',
      'grpc',
      '-d',
      '{"message":"Alice"}',
      url,
    ]);
    expect(JSON.parse(stdout)).toEqual({ message: 'Hello, Alice' });
  });
});
