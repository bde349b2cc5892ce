import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/abuse/**/*.test.ts'],
    // One at a time: each measures what callers see and what the service holds.
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 20_000,
  },
});
