/**
 * Starts the program from its bundle, as `dist/main.js`. What V8 compiled of it in a rehearsal (`rehearse.mjs`) is taken from the
 * file beside it that the same V8 made with the same flags for the same kind of processor; where there is none it is compiled anew.
 */
import './arguments.ts';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';
import { stopSignals } from '../../src/signals.ts';

// Before anything is loaded: from here on a signal is kept until the program, which has listeners of its own, can handle it. As process 1
// of a container, a process without a handler ignores it for good.
for (const signal of stopSignals) process.on(signal, () => {});

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const filename = beside('bundle.cjs');
export const cacheFile = beside(`bundle-${cachedDataVersionTag()}.cache`);

/** Not kept once it is used. */
function readCache(): { cachedData?: Buffer } {
  try {
    return { cachedData: readFileSync(cacheFile) };
  } catch {
    return {};
  }
}

export const script = new Script(readFileSync(filename, 'latin1'), { filename, ...readCache() });
script.runInThisContext()(createRequire(filename), filename);
