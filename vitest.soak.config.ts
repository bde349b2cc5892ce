import { defineConfig } from 'vitest/config';

const soakMs = Number(process.env.SOAK_SECONDS ?? 600) * 1_000;

export default defineConfig({
  test: {
    include: ['test/soak/**/*.test.ts'],
    testTimeout: soakMs + 120_000,
    hookTimeout: 60_000,
  },
});
