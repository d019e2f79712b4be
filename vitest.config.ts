import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{rig,checkers,workloads,nemeses,clusters,reports}/**/*.test.ts'],
    // Tests that bring up real clusters share two cores; one file at a time keeps their clocks honest.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
