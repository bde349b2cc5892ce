import { defineConfig } from 'vitest/config';
import { fuzzSeconds } from './test/support/fuzzing.ts';

export default defineConfig({
  test: {
    include: ['test/fuzz/**/*.test.ts'],
    // One at a time: each also looks for what hangs.
    fileParallelism: false,
    testTimeout: fuzzSeconds * 1_000 + 60_000,
    hookTimeout: 20_000,
  },
});
