import { spawnSync } from 'node:child_process';
import { arch, platform } from 'node:process';

const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** QEMU's user-mode emulator for the architecture of this machine. */
export const qemu = `qemu-${architectures[arch] ?? arch}`;

const install = 'apt-get install qemu-user nghttp2-client gcc libc6-dev';

/** Ends the process if a required program is missing, and says how to install it. */
export function requireTools(): void {
  const fault = findFault();
  if (fault === undefined) return;
  console.error(fault);
  process.exit(2);
}

function findFault(): string | undefined {
  if (platform !== 'linux') return `Instructions are counted on Linux only; this is ${platform}.`;
  const missing = [qemu, 'h2load', 'cc'].filter((program) => outputOf(program, '--version') === undefined);
  if (missing.length > 0)
    return `Missing: ${missing.join(', ')}. Install what counts instructions: ${install}`;
  if (outputOf(qemu, '--help')?.includes('-plugin')) return undefined;
  return `${qemu} ${qemuVersion()} was built without plugins, as it is in Debian 13. Debian 12 has it with them: ${install}`;
}

/** The emulator's version: counts of two versions may differ a little. */
export function qemuVersion(): string {
  return /version (\S+)/.exec(outputOf(qemu, '--version') ?? '')?.[1] ?? 'unknown';
}

function outputOf(program: string, argument: string): string | undefined {
  const { error, stdout } = spawnSync(program, [argument], { encoding: 'utf8' });
  return error === undefined ? stdout : undefined;
}
