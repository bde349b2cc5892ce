import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cases } from '../cases.ts';
import { isPresent, run, start } from '../support/command.ts';
import { type Program, runProgram } from '../support/program.ts';
import { until } from '../support/service.ts';

const folder = fileURLToPath(new URL('go/', import.meta.url));
const proto = fileURLToPath(new URL('../../proto', import.meta.url));
const buf = ['--yes', '-p', '@bufbuild/buf@1.75.0', 'buf'];
// Debian's Go is too old for today's gRPC, so that it cannot be installed for the occasion: where there is none, it is left out.
const hasGo = isPresent('go');

let program: Program;
beforeEach(async () => {
  program = await runProgram({ env: { DRAIN_DELAY_MS: '500' } });
});
afterEach(() => program.dispose());

describe.skipIf(!hasGo)(
  `a Go program built from the plain proto${hasGo ? '' : ': left out, there is no Go on this machine'}`,
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
      await must('npx', [...buf, 'generate', proto]);
      await must('go', ['build', '-o', peer, '.']);
    }, 240_000);

    const ask = async (mode: string, ...args: string[]) => {
      const { grpc } = await program.listening();
      return run(peer, [mode, grpc, ...args]);
    };

    it('prints the greeting', async () => {
      expect(await ask('greet', 'world')).toMatchObject({ code: 0, stdout: 'Greeting: Hello, world\n' });
    });

    it('is greeted or refused, name by name, in the words that HTTP has', async () => {
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
        services: expect.arrayContaining(['greet.GreetService', 'grpc.health.v1.Health']),
        greeting: 'Hello, reflection',
        health: { '': 'SERVING', 'greet.GreetService': 'SERVING', nope: 'NotFound' },
      });
    });

    it('watches health through the drain, which still ends with 0', async () => {
      const { grpc } = await program.listening();
      const watching = start(peer, ['watch', grpc]);
      await until(() => watching.stdout().includes('SERVING'));
      program.process.kill('SIGTERM');
      expect(await program.exited).toBe(0);
      expect((await watching.result).stdout).toBe('SERVING\nNOT_SERVING\nUnavailable\n');
    });
  },
);

describe('buf', () => {
  it('finds nothing to say of the proto', async () => {
    expect(await run('npx', [...buf, 'lint', proto])).toMatchObject({ code: 0, stdout: '' });
  });

  it('calls the greeting without a proto, by reflection', async () => {
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
