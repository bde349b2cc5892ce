/** The least share of the elapsed time that a busy process spends on a CPU, even if others use it too. */
const busyShare = 0.25;

export interface Lap {
  /** The time since the lap before, in milliseconds. */
  readonly elapsedMs: number;
  /** False if the process stood still for most of the time: stopped by SIGSTOP, or with its container or machine. */
  readonly hasRun: boolean;
}

/** Measures laps, and tells a process that was stopped from one that was busy: a stopped process uses no CPU time. */
export function createStopwatch(): () => Lap {
  let lastAt = performance.now();
  let lastCpu = process.cpuUsage();
  return () => {
    const now = performance.now();
    const cpu = process.cpuUsage();
    const cpuMs = (cpu.user - lastCpu.user + cpu.system - lastCpu.system) / 1_000;
    const elapsedMs = now - lastAt;
    lastAt = now;
    lastCpu = cpu;
    return { elapsedMs, hasRun: cpuMs >= busyShare * elapsedMs };
  };
}
