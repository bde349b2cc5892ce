import type { CodeSymbol } from './symbols.ts';

export const eventLoop = 'Node: event loop, reading from sockets';
export const otherThreads = 'V8: other threads, which compile and collect garbage';
const collection = 'V8: garbage collection';
const validation = 'validation';
const parser = 'Node: parse the request';
const http2 = 'Node: HTTP/2 frames';

/** The functions of Node and of libraries where steps begin, by the patterns of their file and their name. */
const landmarks: readonly (readonly [file: RegExp, name: RegExp, step: string])[] = [
  [/^node:_http_common$/, /^parserOn/, parser],
  [/^node:_http_server$/, /^parserOnIncoming$/, 'Node: make request and response'],
  [
    /^node:_http_server$/,
    /^(writeHead|_writeHead)$|ServerResponse\.(_implicitHeader|writeHead)/,
    'Node: write the headers',
  ],
  [/^node:_http_outgoing$/, /_storeHeader$/, 'Node: write the headers'],
  [/^node:_http_outgoing$/, /^(end|write_)$|OutgoingMessage\.(end|write)$/, 'Node: write to the socket'],
  [/^node:internal\/streams\/writable$/, /^clearBuffer$/, 'Node: write to the socket'],
  [
    /^node:internal\/process\/task_queues$/,
    /^(processTicksAndRejections|runNextTicks)$/,
    'Node: end request and response',
  ],
  [/^node:internal\/timers$/, /^(processTimers|listOnTimeout|processImmediate)$/, 'Node: timers'],
  [/^node:internal\/perf\/observe$/, /./, 'Node: statistics of garbage collections'],
  [/^node:net$/, /^onconnection$/, 'Node: open and close connections'],
  [
    /^node:_http_server$/,
    /^(connectionListener|socketOn(End|Close)|abortIncoming)/,
    'Node: open and close connections',
  ],
  [/^node:internal\/stream_base_commons$/, /^onStreamRead$/, 'Node: open and close connections'],
  [
    /^node:internal\/http2\//,
    /^(onSessionHeaders|onSessionTrailers|onFrameError|onStreamClose|onStreamTrailers)$/,
    'Node: HTTP/2 streams',
  ],
  [/\/fastify\/lib\/route\.js$/, /^routeHandler$/, 'fastify: request and reply'],
  [/\/fastify\/lib\/(route|handle-request)\.js$/, /./, 'fastify: life cycle'],
  [/\/fastify\/lib\/validation\.js$/, /./, validation],
  [/\/fastify\/lib\/reply\.js$/, /^(Reply\.send|onSend|preSerialize|sendTrailer)/, 'fastify: send'],
  [
    /\/fastify\/lib\/reply\.js$/,
    /^(setupResponseListeners|onResFinished|onResponse)/,
    'fastify: after the response',
  ],
  [/\/find-my-way\//, /./, 'find-my-way: route'],
  [/\/fast-querystring\//, /./, 'fast-querystring: query'],
  [/\/@fastify\/cors\//, /./, '@fastify/cors'],
  [/\/zod\//, /./, validation],
  [/\/@grpc\/grpc-js\//, /./, '@grpc/grpc-js'],
  [/\/(protobufjs|@protobufjs)\//, /./, 'protobufjs'],
  [/\/@opentelemetry\//, /./, 'OpenTelemetry'],
  [/\/(pino|sonic-boom|thread-stream)\//, /./, 'pino, sonic-boom'],
  [/\/prom-client\//, /./, 'prom-client'],
];

const garbageCollection =
  /^v8::internal::(Heap::(CollectGarbage|PerformGarbageCollection|HandleGCRequest)|Scaveng|MarkCompact|IncrementalMarking|MinorMarkCompact)/;
const compilation =
  /^v8::internal::(Compiler::|Runtime_(Compile|StackGuardWithGap)|OptimizingCompileDispatcher|baseline::|maglev::|compiler::|TieringManager|Deoptimizer)/;

/** Functions that the garbage collector never calls. After a collection, the plugin may show the collector as their caller. */
const ofNode = /^(nghttp2_|llhttp_|uv_|node::)/;

/** The step that begins with a function; undefined if none does. */
export function stepAt(symbol: CodeSymbol, current: string, ownFolder: string): string | undefined {
  if (symbol.kind === 'native') {
    if (garbageCollection.test(symbol.name)) return collection;
    if (compilation.test(symbol.name)) return 'V8: compilation';
    if (current !== eventLoop && !(current === collection && ofNode.test(symbol.name))) return undefined;
    if (/^llhttp_|Parser::/.test(symbol.name)) return parser;
    return /^nghttp2_|Http2(Session|Stream)/.test(symbol.name) ? http2 : eventLoop;
  }
  if (symbol.kind !== 'js' || current === validation) return undefined;
  const { file, name } = symbol;
  if (file.startsWith(ownFolder))
    return `greet: ${name} (${file.slice(ownFolder.length).replace(/\.js$/, '')})`;
  return landmarks.find(([files, names]) => files.test(file) && names.test(name))?.[2];
}

/** The owner of a function: a package, Node, or greet itself. */
export function ownerOf(symbol: CodeSymbol, ownFolder: string): string | undefined {
  if (symbol.kind === 'native') {
    if (garbageCollection.test(symbol.name)) return collection;
    if (ofNode.test(symbol.name)) return 'Node';
    return compilation.test(symbol.name) ? 'V8: compilation' : undefined;
  }
  if (symbol.kind !== 'js') return undefined;
  if (symbol.file.startsWith('node:')) return 'Node';
  if (symbol.file.startsWith(ownFolder)) return 'greet';
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(symbol.file)?.[1] ?? 'greet';
}
