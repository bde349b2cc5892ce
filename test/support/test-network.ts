import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing, type Running, run, start } from './command.ts';
import type { LoadOptions, LoadResult } from './load.ts';
import type { Operations } from './network-agent.ts';
import { until } from './service.ts';

const agentFile = fileURLToPath(new URL('network-agent.ts', import.meta.url));
/** The address of Docker's DNS server, which the files in deploy/ use. */
const dnsAddress = '127.0.0.11';

/** Why this machine cannot have such a network; undefined if it can. In CI this throws instead. */
export function lackingNetwork(): string | undefined {
  const absent = missing('unshare', 'nsenter', 'ip');
  if (absent || process.getuid?.() === 0) return absent;
  if (process.env.CI) throw new Error('Network namespaces are made by root only.');
  return 'network namespaces are made by root only';
}

export interface NetworkLoad {
  /** Waits for this many further responses. */
  more(count: number): Promise<void>;
  stop(): Promise<LoadResult>;
}

/**
 * A network like the one that Docker makes for a Compose project, in kernel namespaces. One side has clients, a balancer and a DNS server;
 * the other has replicas, each with its own address. All ports are free there, so that programs use their shipped files.
 */
export class TestNetwork {
  readonly #folder: string;
  readonly #edge: ChildProcess;
  readonly #replicas: ChildProcess;
  readonly #agent: ChildProcess;
  readonly #started: Running[] = [];
  #calls = 0;

  private constructor(folder: string, edge: ChildProcess, replicas: ChildProcess, agent: ChildProcess) {
    this.#folder = folder;
    this.#edge = edge;
    this.#replicas = replicas;
    this.#agent = agent;
  }

  static async create(): Promise<TestNetwork> {
    const folder = await mkdtemp(join(tmpdir(), 'greet-network-'));
    const resolvConf = join(folder, 'resolv.conf');
    await writeFile(resolvConf, `nameserver ${dnsAddress}\n`);
    const edge = await hold(['--net', '--mount'], `mount --bind ${resolvConf} /etc/resolv.conf`);
    const replicas = await hold(['--net'], 'true');
    const inEdge = enterEdge(edge);
    await ip(
      inEdge,
      'link',
      'add',
      'greet0',
      'type',
      'veth',
      'peer',
      'greet1',
      'netns',
      String(replicas.pid),
    );
    await ip(inEdge, 'address', 'add', '10.77.0.1/16', 'dev', 'greet0');
    await ip(inEdge, 'link', 'set', 'greet0', 'up');
    await ip(enter(replicas), 'address', 'add', '10.77.0.2/16', 'dev', 'greet1');
    await ip(enter(replicas), 'link', 'set', 'greet1', 'up');
    const [command = '', ...args] = [...inEdge, process.execPath, '--import', 'tsx', agentFile];
    const agent = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    agent.setMaxListeners(0);
    const network = new TestNetwork(folder, edge, replicas, agent);
    await network.call('listenDns', dnsAddress, 53);
    return network;
  }

  /** The start of a command line that runs a program on the side of the replicas. */
  get prefix(): readonly string[] {
    return enter(this.#replicas);
  }

  /** Runs an operation on the side of the clients. */
  call<Name extends keyof Operations>(
    name: Name,
    ...args: Parameters<Operations[Name]>
  ): Promise<Awaited<ReturnType<Operations[Name]>>> {
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve, reject) => {
      const take = (answer: { id: number; result?: unknown; error?: string }) => {
        if (answer.id !== id) return;
        this.#agent.off('message', take);
        if (answer.error === undefined) resolve(answer.result as Awaited<ReturnType<Operations[Name]>>);
        else reject(new Error(answer.error));
      };
      this.#agent.on('message', take);
      this.#agent.send({ id, name, args });
    });
  }

  /** Starts a program on the side of the clients. It ends with the network. */
  start(command: string, args: readonly string[]): Running {
    const [first = '', ...rest] = [...enterEdge(this.#edge), command, ...args];
    const running = start(first, rest);
    this.#started.push(running);
    return running;
  }

  async startLoad(options: LoadOptions): Promise<NetworkLoad> {
    const id = await this.call('startLoad', options);
    return {
      more: async (count) => {
        const before = await this.call('requestsOf', id);
        await until(async () => (await this.call('requestsOf', id)) >= before + count);
      },
      stop: async () => (await this.call('stopLoad', id)) as LoadResult,
    };
  }

  async addAddress(address: string): Promise<void> {
    await ip(this.prefix, 'address', 'add', `${address}/32`, 'dev', 'greet1');
  }

  /** Removes the address. From now on packets to it get no response, not even a reset, as when a machine is lost. */
  async removeAddress(address: string): Promise<void> {
    await ip(this.prefix, 'address', 'delete', `${address}/32`, 'dev', 'greet1');
  }

  async dispose(): Promise<void> {
    // On SIGTERM a program also ends the processes that it has started.
    for (const { process } of this.#started) process.kill('SIGTERM');
    this.#agent.kill('SIGKILL');
    for (const child of [...this.#started.map(({ process }) => process), this.#agent]) await ended(child);
    for (const child of [this.#edge, this.#replicas]) {
      child.kill('SIGKILL');
      await ended(child);
    }
    await rm(this.#folder, { recursive: true });
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** A process that keeps new namespaces open. It ends when its standard input does, which is when this process ends. */
async function hold(namespaces: readonly string[], prepare: string): Promise<ChildProcess> {
  const script = `ip link set lo up && ${prepare} && echo ready && exec cat`;
  const holder = spawn('unshare', [...namespaces, 'sh', '-c', script], { stdio: 'pipe' });
  let stderr = '';
  holder.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [text] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')]);
  if (String(text) !== 'ready\n') throw new Error(`No namespace could be made: ${stderr}`);
  return holder;
}

function enter({ pid }: ChildProcess): readonly string[] {
  return ['nsenter', `--net=/proc/${pid}/ns/net`];
}

/** The clients' side has its own mounts, because its /etc/resolv.conf differs. Entering them would change the working directory. */
function enterEdge(edge: ChildProcess): readonly string[] {
  return [...enter(edge), `--mount=/proc/${edge.pid}/ns/mnt`, `--wd=${process.cwd()}`];
}

async function ip(prefix: readonly string[], ...args: readonly string[]): Promise<void> {
  const [command = '', ...rest] = [...prefix, 'ip', ...args];
  const { code, stderr } = await run(command, rest);
  if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}
