import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Balancer, startHaproxy, startNginx } from '../support/balancer.ts';
import { missing } from '../support/command.ts';
import { Fleet, type LoadResult, loadGrpcWhile, loadHttpWhile } from '../support/fleet.ts';

const lacking = missing('haproxy', 'nginx', 'wrk');

describe.skipIf(lacking)(
  `three replicas that are restarted under load${lacking ? `: ${lacking}` : ''}`,
  () => {
    const fleet = new Fleet();
    const balancers: Balancer[] = [];
    beforeEach(async () => {
      for (let count = 0; count < 3; count += 1) await fleet.add();
    });
    afterEach(async () => {
      for (const balancer of balancers.splice(0)) balancer.stop();
      await fleet.dispose();
    });

    const report = (title: string, { requests, failures }: LoadResult, codes: readonly unknown[]) =>
      console.log(
        `${title}: ${requests} requests over ${codes.length} restarts, failed: ${failures.join('; ') || 'none'}`,
      );

    it('lose nothing over either transport, whoever balances', async () => {
      const haproxy = await startHaproxy(fleet.ports, { isStrict: true });
      const nginx = await startNginx(fleet.ports);
      balancers.push(haproxy, nginx);
      const clientItself = `ipv4:${fleet.ports.map(({ grpc }) => `127.0.0.1:${grpc}`).join(',')}`;
      const rolling = fleet.roll(1);
      const loads = {
        'HTTP, HAProxy without retries': loadHttpWhile(haproxy.http, rolling, 16),
        'HTTP, nginx': loadHttpWhile(nginx.http, rolling, 16),
        'gRPC, HAProxy without retries': loadGrpcWhile(haproxy.grpc, rolling),
        'gRPC, round_robin without retries': loadGrpcWhile(clientItself, rolling),
      };
      const codes = await rolling;
      for (const [title, load] of Object.entries(loads)) {
        const result = await load;
        report(title, result, codes);
        expect(result.failures).toEqual([]);
        expect(result.requests).toBeGreaterThan(1_000);
      }
      expect(codes).toEqual([0, 0, 0]);
    }, 60_000);

    it('lose no request when one is killed, where HAProxy retries', async () => {
      const balancer = await startHaproxy(fleet.ports);
      balancers.push(balancer);
      const killing = new Promise((resolve) => setTimeout(resolve, 1_000)).then(() =>
        fleet.programs[0]?.process.kill('SIGKILL'),
      );
      const result = await loadHttpWhile(balancer.http, killing);
      report('kill -9, HAProxy with retries', result, [0]);
      expect(result.failures).toEqual([]);
    }, 30_000);

    it('lose no more than what was in flight when one is killed, where HAProxy does not retry', async () => {
      const balancer = await startHaproxy(fleet.ports, { isStrict: true });
      balancers.push(balancer);
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
