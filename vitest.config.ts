import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { fuzzSeconds, seed } from './test/support/fuzz.ts';

const soakSeconds = Number(process.env.SOAK_SECONDS ?? 600);

/** The files of these projects run beside each other. */
const together = {
  // The files leave nothing behind. A process for each would load all imports again, half a second for each file.
  isolate: false,
  // One worker waits for timers and child processes while the others compute.
  maxWorkers: availableParallelism() + 1,
  // For tests that would never end. No test passes or fails because of the time that it takes.
  testTimeout: 60_000,
  hookTimeout: 60_000,
} as const;

/** The files of these projects run alone: each test measures a whole service under load. */
const alone = { fileParallelism: false, testTimeout: 240_000, hookTimeout: 240_000 } as const;

/** `npm test` runs `unit`; every other project has a command of its own in package.json. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{abuse,e2e,fuzz,program,proof,soak}/**'],
          ...together,
        },
      },
      { test: { name: 'program', include: ['test/program/**/*.test.ts'], ...together } },
      // Most of their time, they wait: for health checks, scrapes and drains.
      {
        test: {
          ...alone,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: true,
          maxWorkers: 2,
        },
      },
      { test: { ...alone, name: 'proof', include: ['test/proof/**/*.test.ts'] } },
      { test: { ...alone, name: 'abuse', include: ['test/abuse/**/*.test.ts'] } },
      {
        test: {
          ...alone,
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          // One seed for all files.
          env: { FUZZ_SEED: String(seed) },
          testTimeout: fuzzSeconds * 1_000 + 60_000,
        },
      },
      {
        test: {
          ...alone,
          name: 'soak',
          include: ['test/soak/**/*.test.ts'],
          testTimeout: soakSeconds * 1_000 + 120_000,
        },
      },
    ],
  },
});
