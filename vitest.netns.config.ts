import { defineConfig } from 'vitest/config';

/**
 * Whole meshes: networks of namespaces, which need root, and relays and cables that fail under
 * jobs: `npm run test:netns`.
 */
export default defineConfig({
  test: {
    include: ['test/netns/*.netns.ts', 'test/mesh-chaos/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
    pool: 'forks',
  },
});
