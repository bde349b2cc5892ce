import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcClient, type GrpcClient } from '../../src/client/exports.ts';
import { type Program, runProgram } from '../support/program.ts';

describe('two replicas under a round_robin client', () => {
  const replicas: Program[] = [];
  let client: GrpcClient;
  afterEach(async () => {
    client.close();
    await Promise.all(replicas.splice(0).map((replica) => replica.dispose()));
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'lose no call of eight callers when one of them gets %s',
    async (signal) => {
      const env = { HOST: '127.0.0.1', DRAIN_DELAY_MS: '500' };
      replicas.push(await runProgram({ env }), await runProgram({ env }));
      const addresses = await Promise.all(replicas.map(async (replica) => (await replica.listening()).grpc));
      client = createGrpcClient({ address: `ipv4:${addresses.join(',')}` });

      let isLoading = true;
      let calls = 0;
      const failures: unknown[] = [];
      const callers = Array.from({ length: 8 }, async () => {
        while (isLoading) {
          await client.greet('Alice').catch((error: unknown) => failures.push(error));
          calls += 1;
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      replicas[0]?.process.kill(signal);
      await replicas[0]?.exited;
      const callsBefore = calls;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      isLoading = false;
      await Promise.all(callers);
      console.log(
        `${calls} calls, ${calls - callsBefore} of them after ${signal}, failures: ${failures.length}`,
      );
      expect(failures).toEqual([]);
      for (const replica of replicas)
        expect(replica.lines.filter(({ msg }) => msg === 'call').length).toBeGreaterThan(100);
      expect(calls - callsBefore).toBeGreaterThan(100);
    },
  );
});
