import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A server of the benchmark: its name in the tables, and the command that starts it. */
export interface Contender {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** The environment variable for the port that the benchmark calls. */
  readonly portVariable: 'PORT' | 'GRPC_PORT';
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const peer = (name: string, file: string): Contender => ({
  name,
  command: [process.execPath, here(`contenders/${file}.mjs`)],
  portVariable: 'PORT',
});

export interface GreetOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly portVariable?: Contender['portVariable'];
  /** The folder of a built checkout; this one by default. */
  readonly checkout?: string;
}

/** The greet that is built in a checkout. */
export function greet(
  name: string,
  { env = {}, portVariable = 'PORT', checkout = here('..') }: GreetOptions = {},
): Contender {
  return { name, command: [process.execPath, join(resolve(checkout), 'dist/main.js')], env, portVariable };
}

/** Settings that trace this share of all greetings and send the spans to a collector. */
export const traced = (sampling: number, collector: string): Readonly<Record<string, string>> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: collector,
  OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
  OTEL_TRACES_SAMPLER_ARG: String(sampling),
});

/** The same program on another Node. */
export const onNode = (node: string, { command: [program, ...args], ...rest }: Contender): Contender => ({
  ...rest,
  command: [program === process.execPath ? node : program, ...args],
});

export const httpFloor = peer('bare node:http', 'node-http');
export const httpFloorWithHeaders = peer("bare node:http, with greet's headers", 'node-http-headers');
/** Takes 10 us more than `httpFloor`. */
export const httpCalibration = peer('bare node:http, and 10 us', 'node-http-busy');
export const grpcFloor = peer('bare node:http2', 'http2-bare');
export const grpcLibrary = peer('bare @grpc/grpc-js', 'grpc-bare');

export const usualPeers: readonly Contender[] = [
  peer('Fastify, all features', 'fastify-usual'),
  peer('Koa, all features', 'koa-usual'),
  peer('Hono, all features', 'hono-usual'),
  peer('Express, all features', 'express-usual'),
  peer('NestJS, all features', 'nest-usual'),
];

export const barePeers: readonly Contender[] = [
  peer('Fastify, bare', 'fastify-bare'),
  peer('Hono, bare', 'hono-bare'),
  peer('Koa, bare', 'koa-bare'),
  peer('Express, bare', 'express-bare'),
  peer('NestJS, bare', 'nest-bare'),
];

/** Builds Go's own server; undefined if Go is not installed. */
export function buildGo(): Contender | undefined {
  const program = join(mkdtempSync(join(tmpdir(), 'greet-bench-')), 'bare');
  try {
    execFileSync('go', ['build', '-o', program, here('contenders/bare.go')], { stdio: 'pipe' });
  } catch {
    return undefined;
  }
  return { name: 'Go net/http, bare', command: [program], portVariable: 'PORT' };
}
