import { defineConfig } from 'vitest/config';

/** Suites that build networks of namespaces, and so need root: `npm run test:netns`. */
export default defineConfig({
  test: {
    include: ['test/netns/*.netns.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
    pool: 'forks',
  },
});
