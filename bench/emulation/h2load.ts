import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onOtherCores } from '../server.ts';
import { scratch } from './library.ts';

const run = promisify(execFile);

/** Sends this many greetings to a port and resolves when all are answered. Throws if many failed. */
export type Greetings = (port: number, count: number) => Promise<void>;

/** GET /greet over this many HTTP/1.1 connections. */
export const greetOverHttp =
  (connections = 32): Greetings =>
  (port, count) =>
    h2load(count, ['--h1', `-c${connections}`, `http://127.0.0.1:${port}/greet?name=Alice`]);

/** The request for Alice, as gRPC frames it. */
export const grpcMessage = Buffer.from('\0\0\0\0\x07\n\x05Alice', 'latin1');

/** Unary greet.GreetService/Greet over four HTTP/2 connections, with sixteen calls at once on each. */
export const greetOverGrpc: Greetings = (port, count) => {
  const message = join(scratch, 'message');
  writeFileSync(message, grpcMessage);
  const headers = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  const url = `http://127.0.0.1:${port}/greet.GreetService/Greet`;
  return h2load(count, ['-c4', '-m16', '-d', message, ...headers, url]);
};

/** On a busy machine an emulated server may exceed its own time limit for a request. */
const toleratedFailures = 1 / 1_000;

async function h2load(count: number, args: readonly string[]): Promise<void> {
  const [command, ...rest] = onOtherCores(['h2load', '-t1', `-n${count}`, ...args]);
  const { stdout } = await run(command, rest);
  const succeeded = Number(/(\d+) succeeded/.exec(stdout)?.[1]);
  if (!(succeeded >= count * (1 - toleratedFailures))) throw new Error(stdout);
}
