import fc from 'fast-check';

/** The time that all fuzzers take together, in seconds, and their number. */
export const fuzzSeconds = Number(process.env.FUZZ_SECONDS ?? 40);
const shares = 5;
export const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

/**
 * Runs cases until the time is over. The first failing case is shrunk in the remaining time, and reported with its seed and the command
 * that repeats it.
 *
 * @param describeCase the case in words and bytes, for the report.
 */
export async function fuzz<Case>(
  title: string,
  cases: fc.Arbitrary<Case>,
  describeCase: (sample: Case) => string,
  attempt: (sample: Case) => Promise<void>,
): Promise<void> {
  const { FUZZ_PATH: path } = process.env;
  let running: Promise<void> = Promise.resolve();
  let last: Case | undefined;
  const property = fc.asyncProperty(cases, (sample) => {
    last = sample;
    running = attempt(sample);
    return running;
  });
  const found = await fc.check(property, {
    seed,
    ...(path !== undefined && { path }),
    numRuns: 100_000_000,
    interruptAfterTimeLimit: (fuzzSeconds * 1_000) / shares,
    markInterruptAsFailure: false,
  });
  // The last case may still be running when the time is over, and may fail only now.
  const late = await running.then(
    () => undefined,
    (error: unknown) => error,
  );
  console.log(`${title}: ${found.numRuns} cases, seed ${seed}`);
  if (!found.failed && late === undefined) return;
  const [smallest] = found.counterexample ?? [];
  const sample = (smallest ?? last) as Case;
  const command = `FUZZ_SEED=${seed} FUZZ_PATH=${found.counterexamplePath ?? found.numRuns} npm run fuzz -- -t '${title}'`;
  throw new Error(
    `${found.errorInstance ?? late}\n\nFound with seed ${seed} in ${describeCase(sample)}\n\nTo repeat it: ${command}`,
  );
}

/** Bytes as a JavaScript literal, to copy into a test. */
export function literal(bytes: Buffer): string {
  return `Buffer.from(${JSON.stringify(bytes.toString('latin1')).replace(
    /[\u007f-\u00ff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )}, 'latin1')`;
}
