import { spawnSync } from 'node:child_process';
import { arch, platform } from 'node:process';

const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** QEMU's user-mode emulator of this machine's own architecture. */
export const qemu = `qemu-${architectures[arch] ?? arch}`;

const isPresent = (program: string) =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;

/** Ends the process with instructions if a program is missing that counting needs. */
export function requireTools(): void {
  const missing = [qemu, 'h2load', 'cc'].filter((program) => !isPresent(program));
  if (platform === 'linux' && missing.length === 0) return;
  console.error(
    platform === 'linux'
      ? `Missing: ${missing.join(', ')}. Install them: apt-get install qemu-user nghttp2-client gcc libc6-dev`
      : `Instructions are counted on Linux only; this is ${platform}.`,
  );
  process.exit(2);
}

/** The emulator's version: counts of two versions may differ a little. */
export function qemuVersion(): string {
  const { stdout } = spawnSync(qemu, ['--version'], { encoding: 'utf8' });
  return /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
}
