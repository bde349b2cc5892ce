import { defineConfig } from 'vitest/config';
import { fuzzSeconds, seed } from './test/support/fuzzing.ts';

export default defineConfig({
  test: {
    include: ['test/fuzz/**/*.test.ts'],
    // One at a time: each also looks for what hangs.
    fileParallelism: false,
    // The same for all of them.
    env: { FUZZ_SEED: String(seed) },
    testTimeout: fuzzSeconds * 1_000 + 60_000,
    hookTimeout: 20_000,
  },
});
