import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** A server of the benchmark: what starts it, and what it is to be called. */
export interface Contender {
  readonly name: string;
  readonly file: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it takes its port from, if not from PORT. */
  readonly portVariable?: string;
}

export interface Measurement {
  readonly cpuMicros: number;
  readonly memoryMegabytes: number;
}

// The server has a core of its own, and whoever loads it the others, where the machine lets us say so.
const isPinned = process.platform === 'linux' && availableParallelism() > 1;
const onServerCore = (command: string, args: readonly string[]): [string, string[]] =>
  isPinned ? ['taskset', ['-c', '0', command, ...args]] : [command, [...args]];
const onOtherCores = (command: string, args: readonly string[]): [string, string[]] =>
  isPinned ? ['taskset', ['-c', `1-${availableParallelism() - 1}`, command, ...args]] : [command, [...args]];

export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A collector that takes every span and keeps none. */
export async function startSink(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    request
      .resume()
      .on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Starts a contender and waits until it accepts connections. */
export async function start(
  contender: Contender,
): Promise<{ child: ChildProcess; port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const [command, args] = onServerCore(process.execPath, [here(contender.file)]);
  const child = spawn(command, args, {
    env: {
      PATH: process.env.PATH,
      HOST: '127.0.0.1',
      PORT: '0',
      GRPC_PORT: '0',
      ADMIN_PORT: '0',
      ...contender.env,
      [contender.portVariable ?? 'PORT']: String(port),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${contender.name} ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    child,
    port,
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** User and system time of a process, in microseconds (proc(5): fields 14 and 15, in ticks of 10 ms). */
function cpuMicrosOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

export type Load = (port: number, seconds: number) => Promise<number>;

/** HTTP greetings over so many connections, as fast as they are answered; resolves with their number. */
export const loadHttp =
  (connections: number): Load =>
  async (port, seconds) => {
    const url = `http://127.0.0.1:${port}/greet?name=Alice`;
    const [command, args] = onOtherCores('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, url]);
    const { stdout } = await run(command, args).catch(() => {
      throw new Error('wrk, which puts the load on, cannot be run: apt-get install wrk');
    });
    if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
    return Number(/(\d+) requests in/.exec(stdout)?.[1]);
  };

/** Unary gRPC calls, so many at once. */
export const loadGrpc =
  (callers: number): Load =>
  async (port, seconds) => {
    const [command, args] = onOtherCores(process.execPath, [
      here('grpc-load.mjs'),
      String(port),
      String(seconds),
      String(callers),
    ]);
    const { requests, failures } = JSON.parse((await run(command, args)).stdout);
    if (failures > 0) throw new Error(`${failures} of ${requests} calls failed`);
    return requests;
  };

/** One fresh process of the contender: warmed up, then measured. */
export async function measure(
  contender: Contender,
  load: Load,
  { warmUp, seconds }: { warmUp: number; seconds: number },
): Promise<Measurement> {
  const { child, port, stop } = await start(contender);
  try {
    const pid = child.pid ?? 0;
    await load(port, warmUp);
    const before = cpuMicrosOf(pid);
    const requests = await load(port, seconds);
    const cpuMicros = (cpuMicrosOf(pid) - before) / requests;
    return { cpuMicros, memoryMegabytes: memoryOf(pid) };
  } finally {
    await stop();
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
