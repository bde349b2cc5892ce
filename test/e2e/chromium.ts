import { accessSync, constants } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const chosen = process.env.CHROMIUM_PATH;
const candidates = chosen
  ? [chosen]
  : ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = candidates.find((path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
});

/** Why no browser can be started on this machine; undefined if one can. In CI this throws instead. */
export function missingChromium(): string | undefined {
  if (executablePath) return undefined;
  const message = `no Chromium at ${candidates.join(', ')} (apt-get install chromium, or set CHROMIUM_PATH)`;
  if (process.env.CI) throw new Error(message);
  return message;
}

/** A headless browser with an empty profile. It can be started by root and makes no requests of its own. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    ...(executablePath && { executablePath }),
    // Playwright itself adds --headless, --no-first-run, --disable-sync, --disable-background-networking and
    // --disable-component-update.
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
  });
}
