import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDotenv } from '../../src/config/dotenv.ts';
import { type PlainOptions, PlainProgram, temporaryFolder } from '../support/plain-program.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.dispose());

const utf16 = (text: string, isBigEndian: boolean) => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return isBigEndian ? bytes.swap16() : bytes;
};

const read = (content: string | Uint8Array) => {
  writeFileSync(folder.file('.env'), content);
  return readDotenv(folder.file('.env'));
};

describe('a .env file', () => {
  it.each<[string, string | Uint8Array, Record<string, string>]>([
    ['several lines', 'A=1\nB=2', { A: '1', B: '2' }],
    ['nothing', '', {}],
    ['comments and blank lines', '# A=0\n\n  # B\nA=1 # one\n', { A: '1' }],
    ['white space around names and values', ' A = 1 \n\tB=\t2', { A: '1', B: '2' }],
    ['export before a name', 'export A=1\nexport  B=2', { A: '1', B: '2' }],
    ['an empty value before another line', 'A=  \nB=2\nC=\nD=4', { A: '', B: '2', C: '', D: '4' }],
    ['quotation marks', `A="a # b" # c\nB='b'\nC=\`c\``, { A: 'a # b', B: 'b', C: 'c' }],
    ['a value of several lines', 'A="x\n#y\nz=1"\nB=2', { A: 'x\n#y\nz=1', B: '2' }],
    ['an equals sign in a value', 'A=b=c', { A: 'b=c' }],
    ['Windows line ends', 'A=1\r\nB="x\r\ny"\r\n', { A: '1', B: 'x\ny' }],
    ['line ends of old Mac systems', 'A=1\rB=2', { A: '1', B: '2' }],
    ['a byte order mark', '\ufeffA=1\nB=2', { A: '1', B: '2' }],
    ['only a byte order mark', '\ufeff', {}],
    ['UTF-8', 'A=Zoë 世界', { A: 'Zoë 世界' }],
    ['UTF-16, little-endian', utf16('A=Zoë\r\nB=2', false), { A: 'Zoë', B: '2' }],
    ['UTF-16, big-endian', utf16('A=Zoë\r\nB=2', true), { A: 'Zoë', B: '2' }],
    ['the same name twice', 'A=1\nA=2', { A: '2' }],
  ])('may have %s', (_title, content, expected) => {
    expect(read(content)).toEqual(expected);
  });

  it.each<[string, string | Uint8Array, string]>([
    ['no equals sign', 'A=1\nB 2\nC=3', 'line 2: expected NAME=value, with every quotation mark closed'],
    ['a colon', 'A: 1', 'line 1: expected NAME=value, with every quotation mark closed'],
    ['no name', '=1', 'line 1: expected NAME=value, with every quotation mark closed'],
    ['white space in a name', 'A B=1', 'line 1: expected NAME=value, with every quotation mark closed'],
    ['an open quotation mark', 'A="1\nB=2', 'line 1: expected NAME=value, with every quotation mark closed'],
    [
      'text after a quotation mark',
      'A="1"2',
      'line 1: expected NAME=value, with every quotation mark closed',
    ],
    [
      'Latin-1',
      Buffer.from('A=1\nB=Zo\xeb\n', 'latin1'),
      'line 2: expected text in UTF-8, or in UTF-16 with a byte order mark',
    ],
    [
      'UTF-16 without a byte order mark',
      Buffer.from('A=1', 'utf16le'),
      'expected text in UTF-8, or in UTF-16 with a byte order mark, without NUL characters',
    ],
    [
      'UTF-32',
      Buffer.from('\xff\xfe\0\0A\0\0\0', 'latin1'),
      'expected text in UTF-8, or in UTF-16 with a byte order mark, without NUL characters',
    ],
    [
      'half a character of UTF-16',
      utf16('A=1', false).subarray(0, -1),
      'expected text in UTF-8, or in UTF-16 with a byte order mark, without NUL characters',
    ],
    ['NULs', 'A=1\0', 'expected text in UTF-8, or in UTF-16 with a byte order mark, without NUL characters'],
  ])('may not have %s', (_title, content, fault) => {
    expect(() => read(content)).toThrow(`${folder.file('.env')}: ${fault}`);
  });

  it('names every line that is wrong', () => {
    expect(() => read('A 1\nB=2\nC 3')).toThrow(
      expect.objectContaining({
        faults: [expect.stringContaining('line 1:'), expect.stringContaining('line 3:')],
      }),
    );
  });

  it('need not exist', () => {
    expect(readDotenv(folder.file('none'))).toEqual({});
    expect(readDotenv(folder.file('none/.env'))).toEqual({});
  });
});
describe('the built program', () => {
  const programs: PlainProgram[] = [];
  afterEach(async () => {
    for (const program of programs.splice(0)) await program.dispose();
  });
  const start = async (options: PlainOptions = {}) => {
    const program = await PlainProgram.start({
      cwd: folder.path,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...options,
    });
    programs.push(program);
    return program;
  };
  const path = () => folder.file('.env');

  it.each<[string, () => void, RegExp]>([
    ['a directory', () => mkdirSync(path()), /; it is a directory/],
    ['a FIFO', () => execFileSync('mkfifo', [path()]), /; it is a FIFO/],
    ['a link to itself', () => symlinkSync('.env', path()), /; ELOOP: /],
    ['a broken link', () => symlinkSync('none', path()), /; ENOENT: /],
    ['an endless device', () => symlinkSync('/dev/zero', path()), /; it is a device/],
    ['a terminal', () => symlinkSync('/dev/ptmx', path()), /; it is a device|; E[A-Z]+: /],
    ['a socket', () => createSocket(path()), /; ENXIO: /],
    [
      'too large',
      () => {
        writeFileSync(path(), 'A=1');
        truncateSync(path(), 2_000_000);
      },
      /; it has more than 1048576 bytes/,
    ],
  ])('reports a .env that is %s, and exits with 1', async (_kind, create, fault) => {
    create();
    const program = await start();
    const stderr = text(program.process.stderr as Readable);
    expect(await program.exited).toBe(1);
    const [first, second, ...rest] = (await stderr).split('\n');
    expect(first).toBe('The configuration is not valid:');
    expect(second).toMatch(/^ {2}\.env: expected a regular file that can be read; /);
    expect(second).toMatch(fault);
    expect(rest).toEqual(['']);
  });

  // Root can read every file, and only root can become another user.
  it.runIf(process.getuid?.() === 0)('reports a .env that it may not read, and exits with 1', async () => {
    writeFileSync(path(), 'A=1', { mode: 0 });
    chmodSync(folder.path, 0o755);
    const program = await start({ script: 'exec setpriv --reuid 65532 --clear-groups "$@"' });
    const stderr = text(program.process.stderr as Readable);
    expect(await program.exited).toBe(1);
    expect(await stderr).toContain('.env: expected a regular file that can be read; EACCES: ');
  });

  it.each<[string, () => void]>([
    ['none', () => {}],
    ['/dev/null, which hides it', () => symlinkSync('/dev/null', path())],
  ])('starts if .env is %s', async (_kind, create) => {
    create();
    const program = await (await start()).ready();
    expect(await program.greet('1')).toBe('Hello, Alice');
  });

  it('reads a .env written on Windows, through a link', async () => {
    writeFileSync(folder.file('settings'), utf16('CORS_ORIGINS=https://app.example.com\r\n', false));
    symlinkSync('settings', path());
    const program = await (await start()).ready();
    const { headers } = await fetch(`${program.http}/greet?name=Alice`, {
      headers: { origin: 'https://app.example.com' },
    });
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example.com');
  });
});

/** Creates a socket file that nobody listens on. */
function createSocket(path: string): void {
  const code = 'net.createServer().listen(process.argv[1], () => process.kill(process.pid, 9))';
  spawnSync(process.execPath, ['-e', code, path]);
}
