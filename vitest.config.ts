import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**', 'test/abuse/**', 'test/soak/**', 'test/fuzz/**'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
