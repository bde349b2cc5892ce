import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.ts';
import { testEnvironment, until } from './service.ts';

const entry = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface PlainOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** Standard input, output and error. A pipe is not read unless the test reads it. */
  readonly stdio?: StdioOptions;
  /** A bash script that runs the program with `exec "$@"`. */
  readonly script?: string;
  /**
   * Another command that runs the program as its child: on a new terminal, whose content is that command's standard output, or as process 1
   * of a namespace, as in a container.
   */
  readonly runBy?: 'terminal' | 'namespace';
}

/** The built program on ports that the test chooses, so that the test need not read its log. */
export class PlainProgram {
  readonly http: string;
  readonly admin: string;
  readonly process: ChildProcess;
  /** Resolves with the exit code, or with the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly runBy: PlainOptions['runBy'];

  private constructor(options: PlainOptions, port: number, adminPort: number) {
    const { cwd = tmpdir(), env = {}, nodeOptions = [], stdio = ['ignore', 'ignore', 'inherit'] } = options;
    this.http = `http://127.0.0.1:${port}`;
    this.admin = `http://127.0.0.1:${adminPort}`;
    this.runBy = options.runBy;
    const program = [process.execPath, ...nodeOptions, entry];
    const scripted = options.script ? ['bash', '-c', options.script, 'bash', ...program] : program;
    const quoted = scripted.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    const [file = '', ...args] = {
      terminal: ['script', '-qefc', `exec ${quoted}`, '/dev/null'],
      namespace: ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', ...scripted],
      none: scripted,
    }[options.runBy ?? 'none'];
    this.process = spawn(file, args, {
      cwd,
      env: {
        PATH: process.env.PATH ?? '',
        ...testEnvironment,
        HOST: '127.0.0.1',
        PORT: String(port),
        ADMIN_PORT: String(adminPort),
        ...env,
      },
      stdio,
    });
    this.exited = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => resolve(code ?? signal));
    });
  }

  static async start(options: PlainOptions = {}): Promise<PlainProgram> {
    return new PlainProgram(options, await freePort(), await freePort());
  }

  async ready(): Promise<this> {
    await until(async () => {
      if (this.process.exitCode !== null) throw new Error(`The program ended with ${this.process.exitCode}`);
      return (await this.status('/readyz').catch(() => 0)) === 200;
    });
    return this;
  }

  /** The process id of the program itself, not of the command that runs it; 0 while there is none. */
  get pid(): number {
    const { pid } = this.process;
    if (this.runBy === undefined) return Number(pid);
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);
  }

  /** Resolves as soon as the program has a handler for the signal. */
  async handles(signal: NodeJS.Signals): Promise<void> {
    const bit = 1n << BigInt(constants.signals[signal] - 1);
    for (;;) {
      const status = this.pid === 0 ? '' : readFileSync(`/proc/${this.pid}/status`, 'latin1');
      const handled = /^SigCgt:\s*(\w+)$/m.exec(status)?.[1];
      if (handled !== undefined && (BigInt(`0x${handled}`) & bit) !== 0n) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Resolves when the program itself has ended. */
  async ended(): Promise<void> {
    const { pid } = this;
    await until(() => {
      try {
        return readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
      } catch {
        return true;
      }
    });
  }

  async status(path: string): Promise<number> {
    return (await this.#get(`${this.http}${path}`, 'status')).status;
  }

  /** Sends a greeting and returns the response. The log line has this request id. */
  async greet(requestId: string): Promise<string> {
    return (await this.#get(`${this.http}/greet?name=Alice`, requestId)).text;
  }

  /** Makes the program log a line of about 3 kB. */
  async logLongLine(requestId: string): Promise<void> {
    await this.#get(`${this.http}/${'x'.repeat(2_900)}`, requestId);
  }

  /** The number of dropped lines, as the program reports it. */
  async droppedLines(): Promise<number> {
    const { text } = await this.#get(`${this.admin}/metrics`, 'metrics');
    return Number(/^greet_log_lines_dropped_total (\d+)$/m.exec(text)?.[1]);
  }

  /** All requests to one port use the same connection, one after another. */
  #get(url: string, requestId: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      get(url, { agent: this.#agent, headers: { 'x-request-id': requestId } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text })).once('error', reject);
      }).once('error', reject);
    });
  }

  async dispose(): Promise<void> {
    this.#agent.destroy();
    const { exitCode, signalCode, stdout } = this.process;
    stdout?.resume();
    if (exitCode === null && signalCode === null && this.pid > 0) this.signal('SIGKILL');
    await this.exited;
  }
}

/** A temporary folder. The test removes it with `dispose()`. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'greet-'));
  return { path, file: (name: string) => join(path, name), dispose: () => rm(path, { recursive: true }) };
}
