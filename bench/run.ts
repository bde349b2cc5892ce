/**
 * What a greeting costs: the server's own CPU time a request, as the kernel counts it, of greet and of its peers.
 *
 *     npm run bench               all contenders, four rounds: about ten minutes
 *     npm run bench -- --short    greet and the floors, three rounds: about a minute and a half
 *
 * Each round starts every contender afresh on a core of its own, warms it up and loads it from the other cores, one after
 * another; ratios are taken within a round, against the floor that ran in it, and their median is printed with its spread.
 * The floor runs a second time at the end of each round: how far that is from 1 is the noise.
 */
import { cpus } from 'node:os';
import {
  type Contender,
  type Load,
  loadGrpc,
  loadHttp,
  type Measurement,
  measure,
  median,
  startSink,
} from './measure.ts';

const isShort = process.argv.includes('--short');
const rounds = isShort ? 3 : 4;
const times = isShort ? { warmUp: 2, seconds: 3 } : { warmUp: 3, seconds: 5 };

const sink = await startSink();
const greet = (name: string, env: Record<string, string> = {}, portVariable = 'PORT'): Contender => ({
  name,
  file: '../dist/main.js',
  env,
  portVariable,
});
const traced = (ratio: string) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
  OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
  OTEL_TRACES_SAMPLER_ARG: ratio,
});
const peer = (name: string, file: string): Contender => ({ name, file: `contenders/${file}.mjs` });

const httpFloor = peer('bare node:http', 'node-http');
const grpcFloor = peer('bare node:http2', 'http2-bare');
const http = isShort
  ? [greet('greet, 1 % traced', traced('0.01'))]
  : [
      peer('Fastify, bare', 'fastify-bare'),
      peer('Hono, bare', 'hono-bare'),
      peer('Koa, bare', 'koa-bare'),
      peer('Express, bare', 'express-bare'),
      greet('greet'),
      greet('greet, 1 % traced', traced('0.01')),
      greet('greet, all traced', traced('1')),
      peer('Fastify with the same features', 'fastify-usual'),
      peer('Koa with the same features', 'koa-usual'),
      peer('Hono with the same features', 'hono-usual'),
      peer('Express with the same features', 'express-usual'),
      peer('NestJS with the same features', 'nest-usual'),
    ];
const grpc = isShort
  ? [greet('greet, 1 % traced', traced('0.01'), 'GRPC_PORT')]
  : [
      peer('bare @grpc/grpc-js', 'grpc-bare'),
      greet('greet', {}, 'GRPC_PORT'),
      greet('greet, 1 % traced', traced('0.01'), 'GRPC_PORT'),
      greet('greet, all traced', traced('1'), 'GRPC_PORT'),
    ];

async function compare(
  title: string,
  floor: Contender,
  contenders: readonly Contender[],
  load: Load,
): Promise<void> {
  const results = new Map<string, { ratios: number[]; measurements: Measurement[] }>();
  for (let round = 0; round < rounds; round += 1) {
    let unit = 0;
    for (const contender of [floor, ...contenders, { ...floor, name: `${floor.name}, again` }]) {
      const measurement = await measure(contender, load, times);
      unit ||= measurement.cpuMicros;
      const result = results.get(contender.name) ?? { ratios: [], measurements: [] };
      result.ratios.push(measurement.cpuMicros / unit);
      result.measurements.push(measurement);
      results.set(contender.name, result);
    }
  }
  console.log(
    `\n| ${title} | CPU, to the floor | spread | CPU a request | memory after |\n|---|---|---|---|---|`,
  );
  for (const [name, { ratios, measurements }] of results) {
    const of = (key: keyof Measurement) => median(measurements.map((measurement) => measurement[key]));
    const spread = `${Math.min(...ratios).toFixed(2)} - ${Math.max(...ratios).toFixed(2)}`;
    const ratio = median(ratios).toFixed(2);
    console.log(
      `| ${name} | ${ratio} | ${spread} | ${of('cpuMicros').toFixed(1)} us | ${Math.round(of('memoryMegabytes'))} MB |`,
    );
  }
}

console.log(
  `Node ${process.version}, ${cpus()[0]?.model}, ${cpus().length} cores, ${new Date().toISOString().slice(0, 10)}`,
);
await compare('HTTP', httpFloor, http, loadHttp(32));
await compare('gRPC', grpcFloor, grpc, loadGrpc(64));
sink.close();
