/**
 * The operations of a test inside a network namespace: it serves DNS and sends requests. test-network.ts runs it as a process in that
 * namespace, and calls the operations over the IPC channel.
 */
import { createGrpcClient } from '../../src/client/exports.ts';
import { DnsServer } from './dns-server.ts';
import { type LoadOptions, type LoadResult, startLoad } from './load.ts';

const dns = new DnsServer();
const loads = new Map<number, ReturnType<typeof startLoad>>();

interface Answer {
  /** 0 if there was no response. */
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const greetUrl = (address: string, name: string) =>
  `http://${address}/greet?name=${encodeURIComponent(name)}`;

const operations = {
  listenDns: (address: string, port: number): Promise<void> => dns.listen(address, port),
  setDns(name: string, addresses: readonly string[]): void {
    dns.set(name, addresses);
  },
  setDnsSilent(isSilent: boolean): void {
    dns.isSilent = isSilent;
  },
  async fetch(
    url: string,
    init: { method?: string; body?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    try {
      // Each request has its own connection: a kept one may lead to a process that has ended.
      const response = await fetch(url, { ...init, headers: { ...init.headers, connection: 'close' } });
      const headers = Object.fromEntries(response.headers);
      return { status: response.status, body: await response.text(), headers };
    } catch (error) {
      return { status: 0, body: String((error as Error).cause ?? error), headers: {} };
    }
  },
  /** Sends one greeting over its own connection. Returns the response, or the error message. */
  async greet(transport: 'http' | 'grpc', address: string, name = 'Alice'): Promise<string> {
    if (transport === 'http') return (await operations.fetch(greetUrl(address, name))).body;
    const client = createGrpcClient({ address, attempts: 1 });
    try {
      return (await client.greet(name)).message;
    } catch (error) {
      return (error as Error).message;
    } finally {
      client.close();
    }
  },
  startLoad(options: LoadOptions): number {
    loads.set(loads.size, startLoad(options));
    return loads.size - 1;
  },
  requestsOf: (id: number): number => loads.get(id)?.requests() ?? 0,
  stopLoad: (id: number): Promise<LoadResult> | undefined => loads.get(id)?.stop(),
};

export type Operations = typeof operations;

interface Request {
  readonly id: number;
  readonly name: keyof Operations;
  readonly args: readonly unknown[];
}

process.on('message', async ({ id, name, args }: Request) => {
  const operation = operations[name] as (...args: readonly unknown[]) => unknown;
  try {
    process.send?.({ id, result: await operation(...args) });
  } catch (error) {
    process.send?.({ id, error: (error as Error).message });
  }
});
// The channel closes when the test ends, even if the test failed.
process.on('disconnect', () => process.exit());
