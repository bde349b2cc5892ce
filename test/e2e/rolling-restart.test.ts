import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Balancer, startHaproxy, startNginx } from '../support/balancer.ts';
import { missing } from '../support/command.ts';
import { Fleet, type LoadResult, loadGrpcWhile, loadHttpWhile } from '../support/fleet.ts';

const lacking = missing('haproxy', 'nginx', 'wrk');

describe.skipIf(lacking)(
  `three replicas that are restarted under load${lacking ? `: ${lacking}` : ''}`,
  () => {
    const fleet = new Fleet();
    let balancer: Balancer | undefined;
    beforeEach(async () => {
      for (let count = 0; count < 3; count += 1) await fleet.add();
    });
    afterEach(async () => {
      balancer?.stop();
      balancer = undefined;
      await fleet.dispose();
    });

    const report = (title: string, { requests, failures }: LoadResult, codes: readonly unknown[]) =>
      console.log(
        `${title}: ${requests} requests over ${codes.length} restarts, failed: ${failures.join('; ') || 'none'}`,
      );

    it('lose no HTTP request behind HAProxy, though nothing is ever retried', async () => {
      balancer = await startHaproxy(fleet.ports, { isStrict: true });
      const rolling = fleet.roll(2);
      const result = await loadHttpWhile(balancer.http, rolling);
      report('HTTP, HAProxy without retries', result, await rolling);
      expect(await rolling).toEqual([0, 0, 0, 0, 0, 0]);
      expect(result.failures).toEqual([]);
      expect(result.requests).toBeGreaterThan(10_000);
    }, 120_000);

    it('lose no gRPC call behind HAProxy, though nothing is ever retried', async () => {
      balancer = await startHaproxy(fleet.ports, { isStrict: true });
      const rolling = fleet.roll(1);
      const result = await loadGrpcWhile(balancer.grpc, rolling);
      report('gRPC, HAProxy without retries', result, await rolling);
      expect(await rolling).toEqual([0, 0, 0]);
      expect(result.failures).toEqual([]);
      expect(result.requests).toBeGreaterThan(1_000);
    }, 60_000);

    it('lose no gRPC call of a client that balances for itself and never retries', async () => {
      const rolling = fleet.roll(1);
      const address = `ipv4:${fleet.ports.map(({ grpc }) => `127.0.0.1:${grpc}`).join(',')}`;
      const result = await loadGrpcWhile(address, rolling);
      report('gRPC, round_robin without retries', result, await rolling);
      expect(await rolling).toEqual([0, 0, 0]);
      expect(result.failures).toEqual([]);
      expect(result.requests).toBeGreaterThan(1_000);
    }, 60_000);

    it('lose no HTTP request behind nginx', async () => {
      balancer = await startNginx(fleet.ports);
      const rolling = fleet.roll(1);
      const result = await loadHttpWhile(balancer.http, rolling);
      report('HTTP, nginx', result, await rolling);
      expect(await rolling).toEqual([0, 0, 0]);
      expect(result.failures).toEqual([]);
      expect(result.requests).toBeGreaterThan(10_000);
    }, 60_000);

    it('lose no request when one is killed, where HAProxy retries', async () => {
      balancer = await startHaproxy(fleet.ports);
      const killing = new Promise((resolve) => setTimeout(resolve, 1_000)).then(() =>
        fleet.programs[0]?.process.kill('SIGKILL'),
      );
      const result = await loadHttpWhile(balancer.http, killing);
      report('kill -9, HAProxy with retries', result, [0]);
      expect(result.failures).toEqual([]);
    }, 30_000);

    it('lose no more than what was in flight when one is killed, where HAProxy does not retry', async () => {
      balancer = await startHaproxy(fleet.ports, { isStrict: true });
      const killing = new Promise((resolve) => setTimeout(resolve, 1_000)).then(() =>
        fleet.programs[0]?.process.kill('SIGKILL'),
      );
      const result = await loadHttpWhile(balancer.http, killing);
      report('kill -9, HAProxy without retries', result, [0]);
      // Each caller's request in flight, and the few connections that tell HAProxy that the replica is gone.
      const failed = [...result.failures.join().matchAll(/(?:read|responses:) (\d+)/g)].map(([, count]) =>
        Number(count),
      );
      expect(failed.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(2 * 32);
    }, 30_000);
  },
);
