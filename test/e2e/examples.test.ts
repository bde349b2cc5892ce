import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load-config.ts';
import { missing, run } from '../support/command.ts';
import { root } from '../support/documents.ts';
import { runProgram } from '../support/program.ts';
import { launchChromium, missingChromium } from './chromium.ts';

// documents.test.ts runs the examples that have a console block in examples/README.md.

const lackingChromium = missingChromium();
if (lackingChromium) console.warn(`Left out: ${lackingChromium}`);
const composeFile = `${root}examples/compose.yaml`;
const lackingCompose = missing('docker-compose');
if (lackingCompose) console.warn(`Left out: ${lackingCompose}`);

/** The example page, on an origin of its own. */
async function servePage() {
  const html = await readFile(`${root}examples/browser/index.html`);
  const server = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end(html),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe.skipIf(lackingChromium)('examples/browser', () => {
  it('shows text, JSON, a problem and an abort on another origin', async () => {
    const program = await runProgram();
    const { server, origin } = await servePage();
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      const { http } = await program.listening();
      await page.goto(`${origin}/?service=${encodeURIComponent(http)}`);
      await page.waitForFunction("document.getElementById('abort').textContent !== ''", undefined, {
        timeout: 60_000,
      });
      expect(await page.locator('dd').allTextContents()).toEqual([
        'Hello, Zoë',
        'Hello, Zoë',
        '400: name is required: 1 to 100 characters, not counting white space around them',
        'true',
        'AbortError',
      ]);
    } finally {
      await browser.close();
      server.closeAllConnections();
      server.close();
      await program.dispose();
    }
  });
});

describe('examples/node', () => {
  it('installs the same versions of the gRPC packages as the service', async () => {
    const dependenciesOf = async (folder: string) =>
      JSON.parse(await readFile(`${root}${folder}package.json`, 'utf8')).dependencies;
    expect(await dependenciesOf('')).toMatchObject(await dependenciesOf('examples/node/'));
  });
});

describe('examples/compose.yaml', () => {
  it.skipIf(lackingCompose)('is valid', async () => {
    const { code, stderr } = await run('docker-compose', ['-f', composeFile, 'config', '--quiet']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('opens ports on this machine only, with valid settings and enough time for the drain', async () => {
    const { greet } = parse(await readFile(composeFile, 'utf8')).services;
    const { port, grpcPort, adminPort, drainDelayMs, shutdownTimeoutMs } = loadConfig(greet.environment);
    expect(greet.ports).toEqual([port, grpcPort, adminPort].map((opened) => `127.0.0.1:${opened}:${opened}`));
    expect(Number.parseInt(greet.stop_grace_period, 10) * 1_000).toBeGreaterThan(
      drainDelayMs + shutdownTimeoutMs,
    );
  });
});
