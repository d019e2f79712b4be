import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{rig,checkers,workloads,nemeses,clusters,reports}/**/*.test.ts'],
    // Tests that bring up real clusters share the machine's cores; where nobody waits, one file at a time keeps clocks honest.
    maxWorkers: process.env['CI'] ? 1 : 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
