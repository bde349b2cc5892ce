import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onOtherCores } from '../server.ts';

const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Loads a server for this many seconds; resolves with the number of greetings. */
export type Load = (port: number, seconds: number) => Promise<number>;

interface HttpReport {
  readonly greetings: number;
  readonly latency: Latency;
}

async function callOverHttp(...args: readonly number[]): Promise<HttpReport> {
  const [command, ...rest] = onOtherCores([process.execPath, here('http-load.mjs'), ...args.map(String)]);
  return JSON.parse((await run(command, rest)).stdout);
}

/** HTTP greetings over this many connections, as fast as responses arrive. */
export const loadHttp =
  (connections: number): Load =>
  async (port, seconds) =>
    (await callOverHttp(port, seconds, connections)).greetings;

/** The same by wrk, whose clients sleep until the response arrives. */
export const loadHttpByWrk =
  (connections: number): Load =>
  async (port, seconds) => {
    const url = `http://127.0.0.1:${port}/greet?name=Alice`;
    const [command, ...args] = onOtherCores(['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, url]);
    const { stdout } = await run(command, args).catch(() => {
      throw new Error('wrk, which puts the load on, cannot be run: apt-get install wrk');
    });
    if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
    return Number(/(\d+) requests in/.exec(stdout)?.[1]);
  };

/** Unary gRPC calls over four connections, with this many at once. */
export const loadGrpc =
  (callers: number): Load =>
  async (port, seconds) => {
    const [command, ...args] = onOtherCores([
      process.execPath,
      here('grpc-load.mjs'),
      String(port),
      String(seconds),
      String(callers),
    ]);
    const { requests, failures } = JSON.parse((await run(command, args)).stdout);
    if (failures > 0) throw new Error(`${failures} of ${requests} calls failed`);
    return requests;
  };

export interface Latency {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
}

/** The response times of HTTP greetings over 32 connections at this rate a second, in milliseconds, counted from when each was due. */
export const latencyAt = async (port: number, rate: number, seconds: number): Promise<Latency> =>
  (await callOverHttp(port, seconds, 32, rate)).latency;
