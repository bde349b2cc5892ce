import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Config } from './config/config.ts';
import type { Readiness } from './resilience/readiness.ts';
import type { LogOutput } from './telemetry/log-output.ts';
import type { Logger } from './telemetry/logger.ts';

/** Signals that ask the process to end. It drains on each of them. */
export const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGPWR'] as const;

/**
 * Signals that end a process unless it handles them. It writes its log, and then ends of the same signal. Not in this list: SIGUSR1 (Node's
 * inspector), SIGPROF (V8's profiler), and SIGSEGV, SIGBUS, SIGILL and SIGFPE, after which no code can run safely.
 */
export const fatalSignals = [
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGXCPU',
  'SIGIO',
  'SIGSTKFLT',
  'SIGABRT',
  'SIGTRAP',
  'SIGSYS',
] as const;

/** Ctrl-C under npm delivers the signal twice at once, from the terminal and from npm. Within this time they count as one. */
const repeatWindowMs = 100;

/** How long the process waits, after a signal, for a start that is not complete, in milliseconds. */
const startTimeoutMs = 1_000;

/** The standard descriptors that are terminals. It is read at the start: a closed terminal is no longer one when its signal arrives. */
const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));

export interface SignalOptions {
  readonly config: Pick<Config, 'drainDelayMs' | 'shutdownTimeoutMs'>;
  readonly logger: Logger;
  readonly readiness: Readiness;
  /** Ends the service. */
  readonly drain: (drainDelayMs: number) => Promise<void>;
  /** How long the drain may take, in milliseconds. */
  readonly limitMs: number;
}

/**
 * Handles the signals in {@link stopSignals}: the first one drains and exits 0, a second one exits 1 at once. A drain that fails or takes
 * too long is an uncaught error.
 */
export function drainOnSignal(options: SignalOptions): (signal: NodeJS.Signals) => void {
  const { config, logger, readiness, drain, limitMs } = options;
  let firstAt: number | undefined;
  return (signal) => {
    if (firstAt !== undefined) {
      // A closing terminal also sends SIGHUP, which does not count as a second signal.
      if (signal === 'SIGHUP' || performance.now() - firstAt < repeatWindowMs) return;
      logger.warn({ signal }, 'second signal: exiting at once');
      process.exit(1);
    }
    firstAt = performance.now();
    const { shutdownTimeoutMs } = config;
    const isStarting = readiness.state === 'starting';
    const drainDelayMs = isStarting || isByHand(signal) ? 0 : config.drainDelayMs;
    logger.info(
      { signal, drainDelayMs, shutdownTimeoutMs },
      'draining; a second signal ends the process at once',
    );
    logger.flush();
    // No client uses this replica yet, so the rest of its start is not waited for any longer.
    if (isStarting) setTimeout(() => process.exit(0), startTimeoutMs);
    const overdue = () => {
      throw new Error('The drain did not end in time');
    };
    setTimeout(overdue, limitMs).unref();
    void drain(drainDelayMs).then(() => {
      logger.info('drained');
      process.exit(0);
    });
  };
}

/** Whether a person at a terminal sent the signal. Then no balancer sends requests, unless a drain delay was configured. */
function isByHand(signal: NodeJS.Signals): boolean {
  return terminals.includes(0) && signal !== 'SIGTERM' && !process.env.DRAIN_DELAY_MS?.trim();
}

/** Writes the log before one of {@link fatalSignals} ends the process. A signal with another handler (`--report-on-signal`) is left to it. */
export function finishOnSignal(output: LogOutput): void {
  for (const signal of fatalSignals.filter((name) => process.listenerCount(name) === 0))
    process.once(signal, () => {
      output.finish();
      process.kill(process.pid, signal);
    });
}

/** Closes the terminals that are gone. Call it when the process exits: Node 20 resets its terminals then, and aborts if one is gone. */
export function closeLostTerminals(): void {
  for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor);
}
