import { defineConfig } from 'vitest/config';

/** Every test that a plain machine can run: `npm test`. What needs ../shared is vitest.spec.config.ts. */
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: [
      '**/node_modules/**',
      '**/dist/**',
      // Minutes of faults, and a thousand links: in the soak, and the first in `npm run test:netns`.
      ...(process.env.ZS_SOAK ? [] : ['test/mesh-chaos/**', 'test/soak/links.test.ts']),
    ],
    setupFiles: ['test/property-seed.ts'],
    // A bound against hanging, not on speed: shared machines stall.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
    // Tests start hundreds of processes that read the same files: compiled once is enough.
    env: { NODE_COMPILE_CACHE: 'node_modules/.cache/zerostate' },
    pool: 'forks',
  },
});
