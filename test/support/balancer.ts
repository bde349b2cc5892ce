import { fileURLToPath } from 'node:url';
import { isPresent, type Running, run } from './command.ts';
import { until } from './service.ts';
import type { TestNetwork } from './test-network.ts';

/** The path of the file in deploy/ itself, not of a copy. */
const deployed = (name: string) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));

/** The command line of each balancer with its shipped file, the transports that it serves, and how to read its version. */
export const balancers = {
  haproxy: {
    args: ['-W', '-db', '-f', deployed('haproxy/haproxy.cfg')],
    transports: ['http', 'grpc'],
    versionArgs: ['-v'],
    oldest: '2.2',
  },
  nginx: {
    args: ['-e', 'stderr', '-c', deployed('nginx/nginx.conf'), '-g', 'daemon off;'],
    transports: ['http'],
    versionArgs: ['-v'],
    oldest: '1.27.3',
  },
  envoy: {
    args: ['-c', deployed('envoy/envoy.yaml'), '--log-level', 'error', '--use-dynamic-base-id'],
    transports: ['http', 'grpc'],
    versionArgs: ['--version'],
    oldest: '1.40',
  },
} as const satisfies Record<
  string,
  {
    readonly args: readonly string[];
    readonly transports: readonly Transport[];
    readonly versionArgs: readonly string[];
    readonly oldest: string;
  }
>;

export type Transport = 'http' | 'grpc';
export type BalancerName = keyof typeof balancers;

/** The addresses of a balancer in the test network, on the ports of its file. */
export const balancerAddresses = { http: '127.0.0.1:8080', grpc: '127.0.0.1:50051' } as const;

export async function versionOf(name: BalancerName): Promise<string | undefined> {
  if (!isPresent(name)) return undefined;
  const { stdout, stderr } = await run(name, balancers[name].versionArgs);
  return /\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0];
}

export function isAtLeast(version: string, oldest: string): boolean {
  const [found, needed] = [version, oldest].map((text) => text.split('.').map(Number)) as [
    number[],
    number[],
  ];
  const index = needed.findIndex((number, position) => number !== (found[position] ?? 0));
  return index < 0 || (found[index] ?? 0) > (needed[index] ?? 0);
}

/** Starts the balancer with its shipped file, and waits until it serves all its transports. */
export async function startBalancer(network: TestNetwork, name: BalancerName): Promise<Running> {
  const { args, transports } = balancers[name];
  const running = network.start(name, args);
  for (const transport of transports) {
    await until(async () => {
      if (running.process.exitCode !== null) throw new Error((await running.result).stderr);
      return (await network.call('greet', transport, balancerAddresses[transport])) === 'Hello, Alice';
    });
  }
  return running;
}
