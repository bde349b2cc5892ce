import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Program, runProgram } from '../support/program.ts';
import { until } from '../support/service.ts';
import { launchChromium, missingChromium } from './chromium.ts';

const lacking = missingChromium();
// The default reporter shows that tests were skipped, but not why.
if (lacking) console.warn(`Skipped: ${lacking}`);
const client = (name: string) => readFile(new URL(`../../dist/client/${name}`, import.meta.url), 'utf8');

/** A site of its own origin: an empty page, and the built client's files. */
async function startSite(): Promise<{ origin: string; server: Server }> {
  const server = createServer(async (request, response) => {
    const script = /^\/client\/([\w-]+\.js)$/.exec(request.url ?? '')?.[1];
    if (script) response.setHeader('content-type', 'text/javascript').end(await client(script));
    else response.setHeader('content-type', 'text/html').end('<!doctype html><title>a page</title>');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe.skipIf(lacking)(`in a real browser${lacking ? `: ${lacking}` : ''}`, () => {
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    browser = await launchChromium();
  });
  // What a failed beforeAll did not reach is undefined, here and below; the rest must still be ended.
  afterAll(() => browser?.close());
  beforeEach(async () => {
    page = await browser.newPage();
    complaints = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterEach(() => page.close());

  /** What a page can read of an answer; or how its fetch failed. */
  const fetchFromPage = (url: string, init: { headers?: Record<string, string>; mode?: 'no-cors' } = {}) =>
    page.evaluate(
      async ([target, options]) => {
        try {
          const response = await fetch(target, options);
          const headers = Object.fromEntries(
            ['content-type', 'x-request-id'].map((name) => [name, response.headers.get(name)]),
          );
          return { status: response.status, headers, text: await response.text(), type: response.type };
        } catch (error) {
          return { failure: (error as Error).name };
        }
      },
      [url, init] as const,
    );

  describe('a page on another origin', () => {
    let allowed: Awaited<ReturnType<typeof startSite>>;
    let refused: Awaited<ReturnType<typeof startSite>>;
    let choosy: Program;
    let open: Program;
    let choosyUrl: string;
    let openUrl: string;
    beforeAll(async () => {
      [allowed, refused] = await Promise.all([startSite(), startSite()]);
      choosy = await runProgram({ env: { CORS_ORIGINS: `https://elsewhere.example,${allowed.origin}` } });
      open = await runProgram({ env: { CORS_ORIGINS: '*' } });
      choosyUrl = (await choosy.listening()).http;
      openUrl = (await open.listening()).http;
    });
    afterAll(async () => {
      for (const site of [allowed, refused]) site?.server.closeAllConnections();
      for (const site of [allowed, refused]) site?.server.close();
      await Promise.all([choosy?.dispose(), open?.dispose()]);
    });

    it('reads the greeting as text, and its request id', async () => {
      await page.goto(allowed.origin);
      const answer = await fetchFromPage(`${choosyUrl}/greet?${new URLSearchParams({ name: 'Zoë 👩‍👩‍👧' })}`);
      expect(answer).toEqual({
        status: 200,
        headers: {
          'content-type': 'text/plain; charset=utf-8',
          'x-request-id': expect.stringMatching(/^[0-9a-f]{16}-/),
        },
        text: 'Hello, Zoë 👩‍👩‍👧',
        type: 'cors',
      });
      expect(complaints).toEqual([]);
    });

    it('reads the greeting as JSON, under an id of its own, which takes a preflight', async () => {
      await page.goto(allowed.origin);
      const headers = { accept: 'application/json', 'x-request-id': 'from-the-page' };
      const answer = await fetchFromPage(`${choosyUrl}/greet?name=Alice`, { headers });
      expect(answer).toMatchObject({ status: 200, text: '{"message":"Hello, Alice"}' });
      expect(answer.headers).toEqual({
        'content-type': 'application/json; charset=utf-8',
        'x-request-id': 'from-the-page',
      });
      await until(() => choosy.lines.some(({ method, status }) => method === 'OPTIONS' && status === 204));
      expect(complaints).toEqual([]);
    });

    it.each([
      ['/greet?name=', 400, 'name is required', ['name']],
      ['/greet?name=%FF', 400, 'percent-encoded UTF-8', undefined],
      ['/nope', 404, 'Nothing is served', undefined],
      // The parser refuses it.
      [`/greet?name=${'a'.repeat(10_000)}`, 414, 'must have at most 4096 bytes', undefined],
    ])('reads the problem of %.40s', async (path, status, detail, faulty) => {
      await page.goto(allowed.origin);
      const answer = await fetchFromPage(choosyUrl + path);
      expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/problem+json' } });
      const problem = JSON.parse(answer.text ?? '');
      expect(problem).toMatchObject({
        status,
        detail: expect.stringContaining(detail),
        requestId: answer.headers?.['x-request-id'],
      });
      expect(problem.errors?.map(({ field }: { field: string }) => field)).toEqual(faulty);
    });

    it('reads nothing when its origin is not allowed', async () => {
      await page.goto(refused.origin);
      expect(await fetchFromPage(`${choosyUrl}/greet?name=Alice`)).toEqual({ failure: 'TypeError' });
      expect(
        await fetchFromPage(`${choosyUrl}/greet?name=Alice`, { headers: { 'x-request-id': 'a' } }),
      ).toEqual({ failure: 'TypeError' });
      expect(await fetchFromPage(`${choosyUrl}/greet?name=Alice`, { mode: 'no-cors' })).toMatchObject({
        type: 'opaque',
        text: '',
      });
      // The browser says why: it was the policy, and not a service that could not be reached.
      const blocked = complaints.filter((complaint) => complaint.includes('blocked by CORS policy'));
      expect(blocked).toHaveLength(2);
    });

    it('reads everything from a service that allows all', async () => {
      for (const { origin } of [allowed, refused]) {
        await page.goto(origin);
        const headers = { 'x-request-id': 'from-the-page' };
        expect(await fetchFromPage(`${openUrl}/greet?name=Alice`, { headers })).toMatchObject({
          status: 200,
          headers,
          text: 'Hello, Alice',
        });
        expect(await fetchFromPage(`${openUrl}/greet`)).toMatchObject({ status: 400 });
      }
    });

    it('imports the HTTP client as it is, and greets and is refused with it', async () => {
      await page.goto(allowed.origin);
      // As text: the test runner would rewrite the import.
      const result = await page.evaluate(`(async () => {
        const { createHttpClient, GreetError } = await import('${allowed.origin}/client/http.js');
        const client = createHttpClient({ url: '${choosyUrl}' });
        const { message } = await client.greet('Alice');
        const error = await client.greet('').catch((reason) => reason);
        return { message, isGreetError: error instanceof GreetError, kind: error.kind, violations: error.violations };
      })()`);
      expect(result).toEqual({
        message: 'Hello, Alice',
        isGreetError: true,
        kind: 'invalid',
        violations: [
          { field: 'name', detail: 'is required: 1 to 100 characters, not counting white space around them' },
        ],
      });
    });
  });
});
