import { request as httpRequest } from 'node:http';
import v8 from 'node:v8';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { expectProblem } from '../support/problem.ts';
import { startTestService, type TestService, until } from '../support/service.ts';

describe('/profiles on the admin port', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ ADMIN_PROFILES: 'on' });
  });
  afterAll(() => service.drain());

  const post = (path: string, body: object) =>
    request(service.urls.admin).post(path).buffer(true).parse(collect).send(body);
  const collect: Parameters<request.Test['parse']>[0] = (response, callback) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => callback(null, Buffer.concat(chunks)));
  };
  const taken = (kind: string) =>
    service.lines.filter((line) => line.kind === kind && line.msg === 'a profile was taken').length;

  // The tests share their process with others, whose objects are in the heap too.
  const withHeapOf = (used_heap_size: number) => {
    const statistics = { ...v8.getHeapStatistics(), used_heap_size };
    vi.spyOn(v8, 'getHeapStatistics').mockReturnValue(statistics);
  };
  beforeEach(() => withHeapOf(30e6));
  afterEach(() => void vi.restoreAllMocks());

  it('gives a CPU profile of the seconds that are asked for', async () => {
    const greeting = post('/profiles/cpu', { seconds: 1 });
    const response = await greeting;
    expect(response.status).toBe(200);
    expect(response.headers['content-disposition']).toBe('attachment; filename="greet.cpuprofile"');
    const profile = JSON.parse(response.body.toString());
    expect(profile.nodes[0].callFrame.functionName).toBe('(root)');
    expect(profile.samples).toHaveLength(profile.timeDeltas.length);
    expect(profile.endTime - profile.startTime).toBeGreaterThan(1_000_000);
  });

  it.each([
    [
      'memory',
      () => vi.spyOn(process, 'constrainedMemory').mockReturnValue(process.memoryUsage.rss()),
      'left',
    ],
    ['time', () => withHeapOf(2e9), 'at most 100 MiB'],
  ])('refuses a heap snapshot that would take too much %s', async (_title, limit, words) => {
    limit();
    const response = await request(service.urls.admin).post('/profiles/heap').send({});
    expect(response.status).toBe(507);
    expectProblem(response, { detail: expect.stringContaining(words) });
  });

  it('takes one at a time, and none longer than its client waits', async () => {
    const { port } = new URL(service.urls.admin);
    const headers = { 'content-type': 'application/json' };
    const before = taken('cpu');
    const pending = httpRequest({ host: 'localhost', port, path: '/profiles/cpu', method: 'POST', headers });
    pending.on('error', () => {}).end('{"seconds":60}');
    await until(() => service.lines.at(-1)?.msg === 'a profile is being taken');
    for (const path of ['/profiles/cpu', '/profiles/heap']) {
      const second = await request(service.urls.admin).post(path).send({});
      expect(second.status).toBe(409);
      expectProblem(second, { detail: expect.stringContaining('Another profile is being taken') });
    }
    pending.destroy();
    await until(() => taken('cpu') === before + 1);
    expect((await post('/profiles/cpu', { seconds: 1 })).status).toBe(200);
  });

  it.each<[string, object, string[]]>([
    ['/profiles/cpu', { seconds: 61 }, ['seconds']],
    ['/profiles/cpu', { seconds: 0 }, ['seconds']],
    ['/profiles/cpu', { minutes: 1 }, ['']],
    ['/profiles/heap', { seconds: 1 }, ['']],
  ])('refuses %s for %j', async (path, body, fields) => {
    const response = await request(service.urls.admin).post(path).send(body);
    expect(response.status).toBe(400);
    expectProblem(response, { errors: fields.map((field) => expect.objectContaining({ field })) });
  });
});
