import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { availableParallelism } from 'node:os';
import type { Contender } from './contenders.ts';
import { freePort } from './free-port.ts';

// On Linux the server has a core of its own, and the load generator has the others.
const cores = availableParallelism();
const isPinned = process.platform === 'linux' && cores > 1;
type Command = readonly [program: string, ...args: string[]];
const on = (list: string, command: Command): Command =>
  isPinned ? ['taskset', '-c', list, ...command] : command;
export const onOtherCores = (command: Command): Command => on(`1-${cores - 1}`, command);

/** Long enough for an emulated server on a busy machine. */
const startupLimitMs = 300_000;

export interface Server {
  readonly contender: Contender;
  readonly pid: number;
  readonly port: number;
  /** User and system time of all threads since the start, in microseconds. */
  cpuMicros(): number;
  /** Its resident memory, in MB. */
  memoryMegabytes(): number;
  hasExited(): boolean;
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** Starts a contender, without waiting until it listens. It ends with this process at the latest. */
export async function spawnServer(contender: Contender): Promise<Server> {
  const port = await freePort();
  const [program, ...args] = on('0', contender.command);
  const child = spawn(program, args, {
    env: {
      PATH: process.env.PATH,
      HOST: '127.0.0.1',
      PORT: '0',
      GRPC_PORT: '0',
      ADMIN_PORT: '0',
      GOMAXPROCS: '1',
      ...contender.env,
      [contender.portVariable]: String(port),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  running.add(child);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running.delete(child);
      resolve();
    });
  });
  const proc = `/proc/${child.pid}`;
  return {
    contender,
    pid: child.pid ?? Number.NaN,
    port,
    // proc(5): the first number of schedstat is the time spent on a CPU, in nanoseconds.
    cpuMicros: () =>
      readdirSync(`${proc}/task`).reduce(
        (sum, task) =>
          sum + Number(readFileSync(`${proc}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e3,
        0,
      ),
    memoryMegabytes: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${proc}/status`, 'utf8'))?.[1]) / 1024,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Starts a contender and waits until it accepts connections. */
export async function startServer(contender: Contender): Promise<Server> {
  const server = await spawnServer(contender);
  for (const until = Date.now() + startupLimitMs; !(await accepts(server.port)); ) {
    if (server.hasExited()) throw new Error(`${contender.name} ended before it listened`);
    if (Date.now() > until) {
      await server.stop();
      throw new Error(`${contender.name} did not listen within ${startupLimitMs / 1_000} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return server;
}

/** A collector that accepts every span and stores none. */
export async function startSink(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    request
      .resume()
      .on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
