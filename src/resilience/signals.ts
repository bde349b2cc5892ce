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
