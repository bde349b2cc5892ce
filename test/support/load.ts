import { Agent, request } from 'node:http';
import { createGrpcClient } from '../../src/client/exports.ts';

/** The results of a load. */
export interface LoadResult {
  readonly requests: number;
  /** The number of requests with each outcome: `200`, `503`, `OK`, or the error of a request without a status. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** The duration of the slowest request, in milliseconds. */
  readonly slowestMs: number;
}

export interface LoadOptions {
  readonly transport: 'http' | 'grpc';
  /** `host:port`, or a gRPC target. */
  readonly address: string;
  /** The number of callers. Each sends its next request when the response to the last one has arrived. */
  readonly callers: number;
}

export interface Load {
  /** The number of responses so far. */
  requests(): number;
  stop(): Promise<LoadResult>;
}

/** Sends greetings, one after another for each caller, without retries. */
export function startLoad({ transport, address, callers }: LoadOptions): Load {
  const { greet, close } = transport === 'http' ? httpCaller(address, callers) : grpcCaller(address);
  const outcomes: Record<string, number> = {};
  let isRunning = true;
  let requests = 0;
  let slowestMs = 0;
  const running = Array.from({ length: callers }, async () => {
    while (isRunning) {
      const startedAt = performance.now();
      const outcome = await greet();
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      requests += 1;
      slowestMs = Math.max(slowestMs, Math.round(performance.now() - startedAt));
    }
  });
  return {
    requests: () => requests,
    async stop() {
      isRunning = false;
      await Promise.all(running);
      close();
      return { requests, outcomes, slowestMs };
    },
  };
}

interface Caller {
  /** Resolves with the outcome of one greeting; never rejects. */
  greet(): Promise<string>;
  close(): void;
}

function httpCaller(address: string, connections: number): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const url = `http://${address}/greet?name=Alice`;
  return {
    greet: () =>
      new Promise((resolve) => {
        const fail = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message);
        const sent = request(url, { agent, timeout: 30_000 }, (response) => {
          response
            .on('error', fail)
            .on('end', () => resolve(String(response.statusCode)))
            .resume();
        });
        sent
          .on('error', fail)
          .on('timeout', () => sent.destroy(new Error('no answer within 30 s')))
          .end();
      }),
    close: () => agent.destroy(),
  };
}

function grpcCaller(address: string): Caller {
  const client = createGrpcClient({ address, attempts: 1, timeoutMs: 30_000 });
  return {
    greet: () =>
      client.greet('Alice').then(
        () => 'OK',
        (error: Error) => error.message,
      ),
    close: () => client.close(),
  };
}
