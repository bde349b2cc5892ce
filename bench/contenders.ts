import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A server of the benchmark: what starts it, and what it is to be called. */
export interface Contender {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it takes its port from. */
  readonly portVariable: 'PORT' | 'GRPC_PORT';
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const node20 = process.execPath;

const peer = (name: string, file: string): Contender => ({
  name,
  command: [node20, here(`contenders/${file}.mjs`)],
  portVariable: 'PORT',
});

/** greet as it ships, traced by the part given, where one is given. */
export function greet(
  name: string,
  {
    sampling,
    collector = '',
    portVariable = 'PORT',
    node = node20,
  }: {
    readonly sampling?: number;
    readonly collector?: string;
    readonly portVariable?: Contender['portVariable'];
    readonly node?: string;
  } = {},
): Contender {
  const tracing = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: String(sampling),
  };
  return {
    name,
    command: [node, here('../dist/main.js')],
    portVariable,
    ...(sampling !== undefined && { env: tracing }),
  };
}

export const httpFloor = peer('bare node:http', 'node-http');
/** Takes 10 us more than the floor. */
export const httpCalibration = peer('bare node:http, and 10 us', 'node-http-busy');
export const grpcFloor = peer('bare node:http2', 'http2-bare');

/** Everything that answers the greeting over HTTP; `left` says what could not be had, and why. */
export function httpContenders(collector: string, node26: string | undefined, left: string[]): Contender[] {
  const go = buildGo(left);
  if (node26 === undefined) left.push('Node 26: give its path as NODE_26');
  return [
    greet('greet'),
    greet('greet, 0 % traced', { sampling: 0, collector }),
    greet('greet, 1 % traced', { sampling: 0.01, collector }),
    greet('greet, 100 % traced', { sampling: 1, collector }),
    ...(node26 ? [greet('greet, 1 % traced, on Node 26', { sampling: 0.01, collector, node: node26 })] : []),
    peer('Fastify, all features', 'fastify-usual'),
    peer('Koa, all features', 'koa-usual'),
    peer('Hono, all features', 'hono-usual'),
    peer('Express, all features', 'express-usual'),
    peer('NestJS, all features', 'nest-usual'),
    peer('Fastify, bare', 'fastify-bare'),
    peer('Hono, bare', 'hono-bare'),
    peer('Koa, bare', 'koa-bare'),
    peer('Express, bare', 'express-bare'),
    peer('NestJS, bare', 'nest-bare'),
    ...(go ? [go] : []),
  ];
}

export function grpcContenders(collector: string): Contender[] {
  const portVariable = 'GRPC_PORT';
  return [
    peer('bare @grpc/grpc-js', 'grpc-bare'),
    greet('greet', { portVariable }),
    greet('greet, 1 % traced', { sampling: 0.01, collector, portVariable }),
    greet('greet, 100 % traced', { sampling: 1, collector, portVariable }),
  ];
}

function buildGo(left: string[]): Contender | undefined {
  const program = join(mkdtempSync(join(tmpdir(), 'greet-bench-')), 'bare');
  try {
    execFileSync('go', ['build', '-o', program, here('contenders/bare.go')], { stdio: 'pipe' });
  } catch {
    left.push('Go net/http: there is no Go that builds it');
    return undefined;
  }
  return { name: 'Go net/http, bare', command: [program], portVariable: 'PORT' };
}
