import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcClient, type GrpcClient } from '../../src/client/exports.ts';
import { type Program, runProgram } from '../support/program.ts';
import { Replicas } from '../support/replicas.ts';
import { until } from '../support/service.ts';
import { lackingNetwork, TestNetwork } from '../support/test-network.ts';

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
      const callsOf = (replica: Program) => replica.lines.filter(({ msg }) => msg === 'call').length;
      await until(() => replicas.every((replica) => callsOf(replica) > 100));
      replicas[0]?.process.kill(signal);
      await replicas[0]?.exited;
      const callsBefore = calls;
      await until(() => calls > callsBefore + 100);
      isLoading = false;
      await Promise.all(callers);
      console.log(
        `${calls} calls, ${calls - callsBefore} of them after ${signal}, failures: ${failures.length}`,
      );
      expect(failures).toEqual([]);
    },
  );
});

const lacking = lackingNetwork();

describe.skipIf(lacking)(
  `three replicas that a client finds through DNS${lacking ? `: ${lacking}` : ''}`,
  () => {
    let network: TestNetwork;
    let replicas: Replicas;
    afterEach(async () => {
      await replicas.dispose();
      await network.dispose();
    });

    it('lose no call while they are restarted one after another, without retries', async () => {
      network = await TestNetwork.create();
      replicas = new Replicas(network);
      const addresses = ['10.77.0.11', '10.77.0.12', '10.77.0.13'];
      await replicas.add(addresses);
      const load = await network.startLoad({ transport: 'grpc', address: 'dns:///greet:50051', callers: 8 });
      const codes: unknown[] = [];
      const isUsed = async (address: string) => ((await replicas.greetings('grpc')).get(address) ?? 0) > 0;
      for (const address of addresses) await until(() => isUsed(address));
      for (const address of addresses) {
        codes.push(await replicas.restart(address));
        await until(() => isUsed(address));
      }
      const { requests, outcomes } = await load.stop();
      console.log(`rolling restart, round_robin by DNS: ${requests} calls, ${JSON.stringify(outcomes)}`);
      expect(outcomes).toEqual({ OK: requests });
      expect(codes).toEqual([0, 0, 0]);
    }, 120_000);
  },
);
