import { readFile } from 'node:fs/promises';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { protoMethod } from '../src/grpc/contract.ts';
import { type Operation, operations } from '../src/operations.ts';
import { expectProblem } from './support/problem.ts';
import { startTestService, type TestService, until } from './support/service.ts';

/** A valid request, built from the examples in the schema. */
function exampleRequest({ route }: Operation): Record<string, string> {
  const { properties = {} } = z.toJSONSchema(route.query as z.ZodType, { io: 'input' }) as {
    properties?: Record<string, { examples?: string[] }>;
  };
  return Object.fromEntries(
    Object.entries(properties).map(([name, { examples }]) => [name, String(examples?.[0])]),
  );
}

const document = JSON.parse(await readFile(new URL('../openapi/openapi.json', import.meta.url), 'utf8'));

describe.each(operations.map((operation) => [operation.route.path, operation] as const))(
  'the operation %s',
  (path, operation) => {
    const { route, method } = operation;
    const example = route.example as Record<string, unknown>;
    const request = exampleRequest(operation);
    const query = new URLSearchParams(request).toString();
    const message = Object.fromEntries(
      Object.entries(request).map(([name, value]) => [method.fieldNames[name] ?? name, value]),
    );
    let service: TestService;
    let client: Client;
    beforeAll(async () => {
      service = await startTestService();
      client = new Client(service.urls.grpc, credentials.createInsecure());
    });
    afterEach(() => fetch(`${service.urls.admin}/faults`, { method: 'DELETE' }));
    afterAll(async () => {
      client.close();
      await service.drain();
    });

    const get = (accept: string, search = query) =>
      fetch(`${service.urls.http}${path}?${search}`, { headers: { accept } });
    const call = (input: object = message) =>
      new Promise<{ error: ServiceError | null; answer: unknown }>((resolve) => {
        const { path: rpc, requestSerialize, responseDeserialize } = protoMethod(method.service, method.name);
        client.makeUnaryRequest(rpc, requestSerialize, responseDeserialize, input, (error, answer) =>
          resolve({ error, answer: answer && { ...answer } }),
        );
      });
    const metrics = async () => (await fetch(`${service.urls.admin}/metrics`)).text();
    const countOf = async (labels: string) => {
      const found = (await metrics()).split('\n').find((line) => line.includes(`_count{${labels}}`));
      return found === undefined ? undefined : Number(found.split(' ').at(-1));
    };

    it('has its metrics from the start', async () => {
      for (const code of [200, 400, 500, 503])
        expect(await countOf(`method="GET",route="${path}",status="${code}"`)).toBe(0);
      for (const code of ['OK', 'INVALID_ARGUMENT', 'INTERNAL', 'UNAVAILABLE'])
        expect(await countOf(`service="${method.service}",method="${method.name}",status="${code}"`)).toBe(0);
    });

    it('answers its example as text, as JSON and over gRPC', async () => {
      const text = await get('*/*');
      expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(await text.text()).toBe(example[route.text.field]);
      const json = await get('application/json');
      expect(json.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(await json.json()).toEqual(example);
      expect(await call()).toEqual({ error: null, answer: method.toMessage(example) });
      expect((await get('image/png')).status).toBe(406);
    });

    it('refuses a request without its fields, with the same message over both transports', async () => {
      const refused = await get('*/*', '');
      const body = await refused.text();
      const headers = Object.fromEntries(refused.headers);
      expectProblem({ status: refused.status, headers, text: body }, { status: 400 });
      const { error } = await call({});
      expect(error?.code).toBe(status.INVALID_ARGUMENT);
      expect(error?.details).toBe(JSON.parse(body).detail);
    });

    it('fails when faults are injected, over both transports', async () => {
      await fetch(`${service.urls.admin}/faults`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ errorRate: 1 }),
      });
      expect((await get('*/*')).status).toBe(503);
      expect((await call()).error?.code).toBe(status.UNAVAILABLE);
    });

    it('is refused over HTTP when the service is overloaded', async () => {
      const busy = await startTestService({ MAX_EVENT_LOOP_DELAY_MS: '0' });
      // Every delay counts as overload here, so the service is overloaded sooner or later.
      await until(async () => (await fetch(`${busy.urls.http}${path}?${query}`)).status === 503);
      await busy.drain();
    });

    it('is logged and counted under its route and method names', async () => {
      const before = (await countOf(`method="GET",route="${path}",status="200"`)) ?? 0;
      const { headers } = await get('*/*');
      await until(() => service.lines.some(({ requestId }) => requestId === headers.get('x-request-id')));
      expect(service.lines.find(({ requestId }) => requestId === headers.get('x-request-id'))).toMatchObject({
        route: path,
        path,
        status: 200,
      });
      expect(await countOf(`method="GET",route="${path}",status="200"`)).toBe(before + 1);
      await call();
      await until(() =>
        service.lines.some(({ method: name }) => name === `${method.service}/${method.name}`),
      );
    });

    it('is in the OpenAPI document', () => {
      expect(document.paths[path].get).toMatchObject({
        operationId: route.operationId,
        summary: route.summary,
      });
    });
  },
);

describe('the list of operations', () => {
  it('has no path, operation id or method twice', () => {
    for (const names of [
      operations.map(({ route }) => route.path),
      operations.map(({ route }) => route.operationId),
      operations.map(({ method }) => `${method.service}/${method.name}`),
    ])
      expect(new Set(names).size).toBe(names.length);
  });
});
