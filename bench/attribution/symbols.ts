import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What code is at an address. */
export type CodeSymbol =
  /** A JavaScript function: of a file, a package, or of Node. */
  | { readonly kind: 'js'; readonly name: string; readonly file: string; readonly line: number }
  /** What V8 has generated beside functions: builtins, bytecode handlers, regular expressions. */
  | { readonly kind: 'v8'; readonly name: string }
  /** A function of Node's own binary. */
  | { readonly kind: 'native'; readonly name: string }
  /** Another library. */
  | { readonly kind: 'library' };

interface Entry {
  readonly start: number;
  readonly end: number;
  readonly symbol: CodeSymbol;
}

/** Finds what is at an address, in the files in which V8 (`--perf-basic-prof`) and the linker have written it. */
export function readSymbols(node: string, perfMap: string): (address: number) => CodeSymbol {
  const generated = dropOverwritten(readPerfMap(perfMap));
  const native = readBinary(node);
  return (address) => {
    return (find(generated, address) ?? find(native, address))?.symbol ?? { kind: 'library' };
  };
}

function readPerfMap(file: string): Entry[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, address, size, text = ''] = /^(\w+) (\w+) (.*)$/.exec(line) ?? [];
      if (address === undefined) return [];
      const start = Number.parseInt(address, 16);
      return { start, end: start + Number.parseInt(size ?? '', 16), symbol: parseName(text) };
    });
}

function parseName(text: string): CodeSymbol {
  const [, name, file, line] = /^JS:[~^*+']*(\S*) (.*?):(\d+):\d+$/.exec(text) ?? [];
  if (file === undefined) return { kind: 'v8', name: text };
  return {
    kind: 'js',
    name: name || '(anonymous)',
    file: file.replace(/^file:\/\//, ''),
    line: Number(line),
  };
}

/** Memory is used again: what was written there last holds. */
function dropOverwritten(entries: readonly Entry[]): Entry[] {
  const kept: Entry[] = [];
  for (const entry of entries.toReversed().toSorted((one, other) => one.start - other.start))
    kept.push(entry);
  return kept;
}

function readBinary(node: string): Entry[] {
  const lines = execFileSync('nm', ['-C', '-n', '--defined-only', node], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
    .split('\n')
    .flatMap((line) => {
      const [, address, name] = /^(\w+) [tTwWiu] (.*)$/.exec(line) ?? [];
      return address === undefined || name === undefined ? [] : { start: Number.parseInt(address, 16), name };
    });
  return lines.map(({ start, name }, index) => ({
    start,
    end: lines[index + 1]?.start ?? start,
    symbol: name.startsWith('Builtins_') ? { kind: 'v8', name } : { kind: 'native', name },
  }));
}

function find(entries: readonly Entry[], address: number): Entry | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] as Entry).start <= address) low = middle + 1;
    else high = middle;
  }
  for (let i = low - 1; i >= 0 && i > low - 40; i -= 1) {
    const entry = entries[i] as Entry;
    if (entry.end > address) return entry;
  }
  return undefined;
}
