import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { missing } from '../support/command.ts';
import { type PrefixProxy, startPrefixProxy } from '../support/prefix-proxy.ts';
import { type Program, runProgram } from '../support/program.ts';
import { launchChromium, missingChromium } from './chromium.ts';

const lacking = missingChromium() ?? missing('nginx');
// The default reporter shows that tests were skipped, but not why.
if (lacking) console.warn(`Skipped: ${lacking}`);

const screens = [
  ['a desktop', { viewport: { width: 1_280, height: 800 } }],
  ['a phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
] as const;

describe.skipIf(lacking)(`Swagger UI in a real browser${lacking ? `: ${lacking}` : ''}`, () => {
  let browser: Browser;
  let program: Program;
  let proxy: PrefixProxy;
  let roots: Readonly<Record<string, string>>;
  beforeAll(async () => {
    browser = await launchChromium();
    program = await runProgram();
    const { http } = await program.listening();
    proxy = await startPrefixProxy(http);
    roots = { 'on its own': http, 'behind a proxy that adds a prefix': proxy.url };
  });
  // A failed beforeAll leaves variables undefined. The others must still be closed.
  afterAll(async () => {
    await Promise.all([browser?.close(), proxy?.stop(), program?.dispose()]);
  });

  // A limit for hangs only: a busy machine needs long to draw the page.
  describe.each(screens)('on %s', { timeout: 300_000 }, (_screen, options) => {
    let page: Page;
    let complaints: string[];
    let requests: Request[];
    beforeEach(async () => {
      page = await (await browser.newContext(options)).newPage();
      page.setDefaultTimeout(60_000);
      complaints = [];
      requests = [];
      page.on('request', (request) => requests.push(request));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
    });
    afterEach(async () => {
      if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true });
      await page.context().close();
    });

    const open = async (root: string) => {
      await page.goto(`${root}/`);
      await page.getByText('Greet someone by name').click();
    };
    const execute = () => page.getByRole('button', { name: 'Execute' }).click();
    const response = () => page.locator('.live-responses-table .response').first();
    /** The body in the page, once it shows a response with this status. */
    const bodyOf = async (status: number) => {
      await response()
        .locator('.response-col_status', { hasText: String(status) })
        .waitFor();
      return response().locator('pre').first().innerText();
    };

    it.each(['on its own', 'behind a proxy that adds a prefix'])('greets, %s', async (where) => {
      const root = roots[where] ?? '';
      await open(root);
      expect(page.url()).toMatch(`${root}/docs/`);
      await page.getByPlaceholder('name').fill('Alice & Zoë');
      await execute();
      expect(JSON.parse(await bodyOf(200))).toEqual({ message: 'Hello, Alice & Zoë' });
      // Everything was loaded from paths below the root, and sent to them.
      const urls = requests.map((request) => request.url()).filter((url) => !url.startsWith('data:'));
      expect(urls.filter((url) => !url.startsWith(`${root}/`))).toEqual([]);
      expect(urls).toContain(`${root}/openapi.json`);
      expect(urls.at(-1)).toBe(`${root}/greet?name=Alice%20%26%20Zo%C3%AB`);
      expect(complaints).toEqual([]);
    });

    it('links only to openapi.json, and has no input to open another document', async () => {
      const { http } = await program.listening();
      await open(http);
      const links = await page.locator('.info a[href*="openapi"]').all();
      expect(await Promise.all(links.map((link) => link.getAttribute('href')))).toEqual([
        `${http}/openapi.json`,
      ]);
      expect(await page.getByRole('button', { name: 'Explore' }).count()).toBe(0);
    });

    it('sends an Accept header with the chosen type: JSON by default, or text', async () => {
      const { http } = await program.listening();
      await open(http);
      const shown = page.locator('.response-control-media-type--accept-controller select');
      const accepted = () => requests.at(-1)?.headers().accept;
      expect(await shown.inputValue()).toBe('application/json');
      await execute();
      expect(JSON.parse(await bodyOf(200))).toEqual({ message: 'Hello, Alice' });
      expect(accepted()).toBe('application/json');
      await shown.selectOption('text/plain');
      await execute();
      await response()
        .locator('pre', { hasText: /^Hello, Alice$/ })
        .waitFor();
      expect(accepted()).toBe('text/plain');
    });

    it('sends names that are not valid, too, and shows the error of the service', async () => {
      const { http } = await program.listening();
      await open(http);
      for (const [name, detail] of [
        ['', 'name is required: 1 to 100 characters'],
        ['a'.repeat(101), 'name must have at most 100 characters, got 101'],
        ['a\u202Eb', 'name must not contain bidirectional overrides, embeddings or isolates, got U+202E'],
      ] as const) {
        await page.getByPlaceholder('name').fill(name);
        await execute();
        await response().locator('pre', { hasText: detail }).waitFor();
        expect(JSON.parse(await bodyOf(400))).toMatchObject({ status: 400 });
      }
    });

    it('fits the width of the screen, also with all sections open, and violates no Content-Security-Policy', async () => {
      const { http } = await program.listening();
      await open(http);
      await page.getByText('Is the process alive?').click();
      await page.getByText('Does the replica want new requests?').click();
      await page.getByRole('button', { name: 'Execute' }).nth(2).waitFor();
      for (const text of ['Schema', 'Expand all'])
        await page.evaluate(
          `for (const button of document.querySelectorAll('button')) if (button.innerText === '${text}') button.click()`,
        );
      await page.getByPlaceholder('name').fill('a'.repeat(300));
      for (const button of await page.getByRole('button', { name: 'Execute' }).all()) await button.click();
      await bodyOf(400);
      const widths = await page.evaluate('[document.documentElement.scrollWidth, innerWidth, screen.width]');
      expect(widths).toEqual(Array(3).fill(options.viewport.width));
      // The browser itself reports the 400, which is expected.
      expect(complaints.filter((complaint) => !complaint.includes('status of 400'))).toEqual([]);
    });
  });
});
