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

/** A site on an origin of its own: an empty page, and the files of the built client. */
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
  // A failed beforeAll leaves variables undefined, here and below. The others must still be closed.
  afterAll(() => browser?.close());
  beforeEach(async () => {
    page = await browser.newPage();
    complaints = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterEach(() => page.close());

  /** The parts of a response that a page can read, or the reason why its fetch failed. */
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

    it('reads the greeting as JSON with a request id of its own, which needs a preflight', async () => {
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
      // The HTTP parser refuses this one.
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
      // The browser's message shows that the policy was the reason, and not an unreachable service.
      const blocked = complaints.filter((complaint) => complaint.includes('blocked by CORS policy'));
      expect(blocked).toHaveLength(2);
    });

    it('reads the response of a service that allows all origins', async () => {
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

    it('imports the unchanged HTTP client, and gets a greeting and a refusal', async () => {
      await page.goto(allowed.origin);
      // This is text, because the test runner would rewrite the import.
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
