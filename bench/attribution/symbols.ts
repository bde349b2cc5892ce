import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The code at an address. */
export type CodeSymbol =
  /** A JavaScript function of a file, of a package, or of Node. */
  | { readonly kind: 'js'; readonly name: string; readonly file: string; readonly line: number }
  /** Other code that V8 generated: builtins, bytecode handlers, regular expressions. */
  | { readonly kind: 'v8'; readonly name: string }
  /** A function of Node's own binary. */
  | { readonly kind: 'native'; readonly name: string }
  /** Another library. */
  | { readonly kind: 'library' };

interface Entry {
  readonly start: number;
  readonly end: number;
  /** V8 reuses memory: of several entries that overlap, the one written last is right. */
  readonly order: number;
  readonly symbol: CodeSymbol;
}

/** Returns a function that finds the code at an address. It reads what V8 (`--perf-basic-prof`) and the linker wrote. */
export function readSymbols(node: string, perfMap: string): (address: number) => CodeSymbol {
  const generated = readPerfMap(perfMap);
  const native = readBinary(node);
  return (address) => {
    return (find(generated, address) ?? find(native, address))?.symbol ?? { kind: 'library' };
  };
}

function readPerfMap(file: string): Entry[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, order) => {
      const [, address, size, text = ''] = /^(\w+) (\w+) (.*)$/.exec(line) ?? [];
      if (address === undefined) return [];
      const start = Number.parseInt(address, 16);
      return { start, end: start + Number.parseInt(size ?? '', 16), order, symbol: parseName(text) };
    })
    .sort((one, other) => one.start - other.start);
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
    order: 0,
    symbol: name.startsWith('Builtins_') ? { kind: 'v8', name } : { kind: 'native', name },
  }));
}

/** How many entries that start before an address are searched. The nearest one may have replaced a longer one. */
const reach = 40;

function find(entries: readonly Entry[], address: number): Entry | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] as Entry).start <= address) low = middle + 1;
    else high = middle;
  }
  let found: Entry | undefined;
  for (const entry of entries.slice(Math.max(low - reach, 0), low)) {
    if (entry.end > address && entry.order >= (found?.order ?? 0)) found = entry;
  }
  return found;
}
