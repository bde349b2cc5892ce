/**
 * Starts the program from its bundle, as `dist/main.js`. The rehearsal (`rehearse.mjs`) saved the code that V8 compiled, in a file beside
 * it. That file is for one version of V8, its flags and the kind of CPU; for any other the program is compiled again.
 */
import './arguments.ts';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';
import { stopSignals } from '../../src/signals.ts';

// This comes first: from here on a signal waits until the program can handle it with its own listeners. As process 1 of a container, a
// process without a handler would ignore it.
for (const signal of stopSignals) process.on(signal, () => {});

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const filename = beside('bundle.cjs');
export const cacheFile = beside(`bundle-${cachedDataVersionTag()}.cache`);

/** Reads the compiled code, which is not kept in memory once the script is created. */
function readCache(): { cachedData?: Buffer } {
  try {
    return { cachedData: readFileSync(cacheFile) };
  } catch {
    return {};
  }
}

export const script = new Script(readFileSync(filename, 'latin1'), { filename, ...readCache() });
script.runInThisContext()(createRequire(filename), filename);
