import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type BalancerName,
  balancerAddresses,
  balancers,
  isAtLeast,
  startBalancer,
  type Transport,
  versionOf,
} from '../support/balancer.ts';
import type { LoadResult } from '../support/load.ts';
import { Replicas } from '../support/replicas.ts';
import { until } from '../support/service.ts';
import { lackingNetwork, type NetworkLoad, TestNetwork } from '../support/test-network.ts';

const first = ['10.77.0.11', '10.77.0.12', '10.77.0.13'] as const;
const second = ['10.77.1.11', '10.77.1.12', '10.77.1.13'] as const;
const callers = 8;
const timeoutMs = 120_000;

/** Why a balancer cannot be tested on this machine; undefined if it can. In CI this throws instead. */
async function lackingBalancer(name: BalancerName): Promise<string | undefined> {
  const version = await versionOf(name);
  const { oldest } = balancers[name];
  if (version !== undefined && isAtLeast(version, oldest)) return lackingNetwork();
  const message = `${name} ${oldest} or newer is needed, this machine has ${version ?? 'none'} (.ci/peers brings it)`;
  if (process.env.CI) throw new Error(message);
  return message;
}

const names = Object.keys(balancers) as BalancerName[];
const found = await Promise.all(
  names.map(async (name) => ({
    name,
    version: await versionOf(name),
    lacking: await lackingBalancer(name),
  })),
);

describe.each(found)('$name with its unchanged file in deploy/', ({ name, version, lacking }) => {
  describe.skipIf(lacking)(
    lacking ?? `version ${version}`,
    () => {
      const transports: readonly Transport[] = balancers[name].transports;
      let network: TestNetwork;
      let replicas: Replicas;
      beforeEach(async () => {
        network = await TestNetwork.create();
        replicas = new Replicas(network);
      });
      afterEach(async () => {
        await replicas.dispose();
        await network.dispose();
      });

      /** Sends load over every transport while the work is done. The work may wait for a number of further responses. */
      async function underLoad(
        title: string,
        work: (more: (count: number) => Promise<unknown>) => Promise<unknown>,
        callersOfEach = callers,
      ): Promise<Partial<Record<Transport, LoadResult>>> {
        const loads: NetworkLoad[] = [];
        for (const transport of transports) {
          const address = balancerAddresses[transport];
          loads.push(await network.startLoad({ transport, address, callers: callersOfEach }));
        }
        await work((count) => Promise.all(loads.map((load) => load.more(count))));
        const results: Partial<Record<Transport, LoadResult>> = {};
        for (const [index, transport] of transports.entries()) {
          const result = (await loads[index]?.stop()) as LoadResult;
          results[transport] = result;
          console.log(
            `${name} ${version}, ${title}, ${transport}: ${result.requests} requests, ${failuresOf(result)} failed, ` +
              `the slowest took ${result.slowestMs} ms ${JSON.stringify(result.outcomes)}`,
          );
        }
        return results;
      }

      /** Waits until each of these replicas has given greetings over every transport. */
      async function used(addresses: readonly string[]): Promise<void> {
        await until(async () => {
          const counts = await Promise.all(transports.map((transport) => replicas.greetings(transport)));
          return counts.every((each) => addresses.every((address) => (each.get(address) ?? 0) > 0));
        });
      }

      /** How many greetings each replica gives during the work, over one transport. */
      async function sharesOf(transport: Transport, work: () => Promise<unknown>): Promise<number[]> {
        const before = await replicas.greetings(transport);
        await work();
        const after = await replicas.greetings(transport);
        return [...after].map(([address, count]) => count - (before.get(address) ?? 0));
      }

      it('gives each of three replicas its share over every transport', async () => {
        await replicas.add(first);
        await startBalancer(network, name);
        await underLoad('three replicas', async (more) => {
          await used(first);
          for (const transport of transports)
            expectEven(await sharesOf(transport, () => more(300)), transport);
        });
      });

      it('loses nothing while three replicas are restarted one after another', async () => {
        await replicas.add(first);
        await startBalancer(network, name);
        const codes: unknown[] = [];
        const results = await underLoad('rolling restart', async (more) => {
          await used(first);
          for (const address of first) {
            codes.push(await replicas.restart(address));
            await used([address]);
          }
          await more(100);
        });
        expect(codes).toEqual([0, 0, 0]);
        for (const result of Object.values(results)) expect(failuresOf(result)).toBe(0);
      });

      it('loses nothing over HTTP, and over gRPC at most the calls in progress, when a replica is killed', async () => {
        await replicas.add(first);
        await startBalancer(network, name);
        const { http, grpc } = await underLoad('kill -9', async (more) => {
          await used(first);
          replicas.program(first[0]).process.kill('SIGKILL');
          await more(300);
        });
        expect(http?.outcomes).toEqual({ 200: http?.requests });
        if (grpc) expect(failuresOf(grpc)).toBeLessThanOrEqual(callers);
      });

      it('loses nothing over HTTP, and over gRPC at most the calls in progress, when a machine is lost', async () => {
        await replicas.add(first);
        await startBalancer(network, name);
        const { http, grpc } = await underLoad('machine lost', async (more) => {
          await used(first);
          await network.removeAddress(first[0]);
          await more(300);
        });
        expect(http?.outcomes).toEqual({ 200: http?.requests });
        if (grpc) expect(failuresOf(grpc)).toBeLessThanOrEqual(callers);
      });

      it('loses nothing while all replicas move to new addresses', async () => {
        await replicas.add(first);
        await startBalancer(network, name);
        const results = await underLoad('move', async (more) => {
          await used(first);
          await replicas.add(second);
          await used(second);
          await Promise.all(first.map((address) => replicas.retire(address)));
          for (const address of first) await network.removeAddress(address);
          await more(300);
        });
        for (const result of Object.values(results)) expect(failuresOf(result)).toBe(0);
      });

      it('finds the new replicas when all were replaced at once, at new addresses', async () => {
        await replicas.add(first);
        await startBalancer(network, name);
        for (const address of first) {
          replicas.program(address).process.kill('SIGKILL');
          await network.removeAddress(address);
        }
        replicas.forget(...first);
        await replicas.add(second);
        for (const transport of transports)
          await until(
            async () =>
              (await network.call('greet', transport, balancerAddresses[transport])) === 'Hello, Alice',
          );
      });

      it('spreads the load of one replica over three as soon as DNS names them', async () => {
        await replicas.add([first[0]]);
        await startBalancer(network, name);
        const results = await underLoad('from one to three', async (more) => {
          await more(100);
          await replicas.add([first[1], first[2]]);
          await used(first);
          for (const transport of transports)
            expectEven(await sharesOf(transport, () => more(300)), transport);
        });
        for (const result of Object.values(results)) expect(failuresOf(result)).toBe(0);
      });

      it.each([
        { errorRate: 0.1, passedOn: 0.01 },
        { errorRate: 0.3, passedOn: 0.06 },
      ])(
        'passes on less than $passedOn failures over HTTP if each replica fails $errorRate of its greetings',
        async ({ errorRate, passedOn }) => {
          await replicas.add(first);
          await startBalancer(network, name);
          await replicas.injectFaults({ errorRate });
          for (const count of [1, callers]) {
            const title = `${errorRate * 100} % of 503 and UNAVAILABLE, ${count} callers of each`;
            const { http, grpc } = await underLoad(title, (more) => more(1_000), count);
            expect(http && failuresOf(http) / http.requests).toBeLessThan(passedOn);
            // HAProxy cannot retry a call that ended with UNAVAILABLE, because gRPC sends the status in trailers.
            if (grpc)
              expect(failuresOf(grpc) / grpc.requests).toBeLessThan(
                name === 'haproxy' ? 1.4 * errorRate : passedOn,
              );
          }
        },
      );
    },
    timeoutMs,
  );
});

function failuresOf({ requests, outcomes }: LoadResult): number {
  return requests - (outcomes[200] ?? 0) - (outcomes.OK ?? 0);
}

/** Each share differs from the mean by 20 % at most. */
function expectEven(shares: readonly number[], transport: Transport): void {
  const mean = shares.reduce((sum, count) => sum + count, 0) / shares.length;
  console.log(`  shares over ${transport}: ${shares.join(', ')}`);
  for (const count of shares) expect(Math.abs(count - mean)).toBeLessThan(0.2 * mean);
}
