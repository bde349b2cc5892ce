import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**', 'test/abuse/**', 'test/soak/**', 'test/fuzz/**'],
    // Most of them wait for time-outs rather than for a processor.
    maxWorkers: 3,
    // No file leaves anything behind for the next: a process of its own, with all its imports, would cost each half a second.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
