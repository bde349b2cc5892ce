import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { Session } from 'node:inspector/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import v8 from 'node:v8';
import { gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { App } from '../instance.ts';
import { Problem } from '../problem.ts';
import { sentBy } from './runtime-settings.ts';

const timeError = { error: 'must be a whole number of seconds from 1 to 60' };

const cpuSchema = z.strictObject({
  seconds: z.int(timeError).min(1, timeError).max(60, timeError).default(10),
});
const heapSchema = z.strictObject({});

/** Between two samples, in microseconds. A minute of them takes about 2 MB. */
const samplingInterval = 1_000;

/** The largest heap of which a snapshot is taken, in bytes. The process does nothing else meanwhile, for about a second for each 5 MB. */
const maxHeapBytes = 100 * 1_048_576;

/** The memory that V8 needs for a snapshot in addition to the heap, as a multiple of the heap. */
const snapshotFactor = 5.5;

const mebibytes = (bytes: number) => Math.ceil(bytes / 1_048_576);

/**
 * `/profiles`: a CPU profile and a heap snapshot of the running process, streamed, so that no file is written. Only POST with a JSON body
 * takes one: a page of another origin would need a CORS preflight for that, and this port allows none.
 */
export async function profileRoutes(app: App): Promise<void> {
  let isBusy = false;
  const alone = async (
    request: FastifyRequest,
    kind: string,
    take: (session: Session) => Promise<Buffer>,
  ) => {
    if (isBusy) throw new Problem(409, 'Another profile is being taken. Try again when it has ended.');
    isBusy = true;
    // Loaded on use: some builds of Node have no inspector.
    const inspector = await import('node:inspector/promises');
    const session = new inspector.Session();
    const startedAt = performance.now();
    request.log.warn({ kind, ...sentBy(request) }, 'a profile is being taken');
    try {
      session.connect();
      const profile = await take(session);
      const durationMs = Math.round(performance.now() - startedAt);
      request.log.warn(
        { kind, bytes: profile.length, durationMs, ...sentBy(request) },
        'a profile was taken',
      );
      return profile;
    } finally {
      session.disconnect();
      isBusy = false;
    }
  };

  app.post('/profiles/cpu', { schema: { body: cpuSchema } }, async (request, reply) => {
    const { seconds } = request.body;
    const profile = await alone(request, 'cpu', (session) => profileCpu(session, seconds, reply.raw));
    return sendFile(reply, 'greet.cpuprofile', 'application/json').send(profile);
  });

  app.post('/profiles/heap', { schema: { body: heapSchema } }, async (request, reply) => {
    refuseLargeHeap();
    const snapshot = await alone(request, 'heap', snapshotHeap);
    return sendFile(reply, 'greet.heapsnapshot.gz', 'application/gzip').send(snapshot);
  });
}

function sendFile(reply: FastifyReply, name: string, type: string): FastifyReply {
  return reply
    .type(type)
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('cache-control', 'no-store');
}

/** Ends early if the client leaves. */
async function profileCpu(session: Session, seconds: number, response: ServerResponse): Promise<Buffer> {
  const left = new AbortController();
  response.once('close', () => left.abort());
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: samplingInterval });
  await session.post('Profiler.start');
  await sleep(seconds * 1_000, undefined, { signal: left.signal }).catch(() => {});
  const { profile } = await session.post('Profiler.stop');
  return Buffer.from(JSON.stringify(profile));
}

/** The text has the size of the heap. It comes in pieces, each of which is compressed at once: gzip files can be joined (RFC 1952, 2.2). */
async function snapshotHeap(session: Session): Promise<Buffer> {
  const pieces: Buffer[] = [];
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => {
    pieces.push(gzipSync(params.chunk, { level: 1 }));
  });
  await session.post('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  return Buffer.concat(pieces);
}

/** A snapshot that does not fit into the memory of the container would end the process. */
function refuseLargeHeap(): void {
  const heap = v8.getHeapStatistics().used_heap_size;
  const needed = heap * snapshotFactor;
  const left = memoryLeft();
  if (heap <= maxHeapBytes && needed <= left) return;
  throw new Problem(
    507,
    heap > maxHeapBytes
      ? `The heap holds ${mebibytes(heap)} MiB. Snapshots are taken of at most ${mebibytes(maxHeapBytes)} MiB.`
      : `A snapshot needs about ${mebibytes(needed)} MiB of memory, and ${mebibytes(left)} MiB are left. Raise the memory limit of the container.`,
  );
}

/** The memory that the container's limit leaves. The page cache does not count: the kernel frees it when memory is needed. */
function memoryLeft(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < Number.MAX_SAFE_INTEGER ? limit - anonymousMemory() : Infinity;
}

function anonymousMemory(): number {
  try {
    const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return Number(kibibytes) * 1_024;
  } catch {
    return process.memoryUsage.rss();
  }
}
