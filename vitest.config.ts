import { defineConfig } from 'vitest/config';

/** Every test that a plain machine can run: `npm test`. What needs ../shared is vitest.spec.config.ts. */
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: 'forks',
  },
});
