import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

/** By kind: with a server, a database, a process, a browser, a network of real size, or whole reference runs. */
const SLOW = 'test/**/*.slow.test.ts';
/** Proofs with a script of their own, not part of `npm test`. */
const LONG = ['fuzz', 'faults', 'kills', 'install', 'image', 'viewer'].map((kind) => `test/${kind}/**`);

/** For the tests what src/wasm-code-kept.ts is for the program. */
const execArgv = ['--no-wasm-code-gc'];

const slow = {
  execArgv,
  include: [SLOW],
  globalSetup: ['test/support/import-demo-models.ts', 'test/support/collect-logs.ts'],
  testTimeout: 600_000,
  hookTimeout: 600_000,
  // A file mostly waits for the servers that it starts: two at a time keep two cores busy.
  maxWorkers: 2,
  sequence: { groupOrder: 1 },
};

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          execArgv,
          include: ['test/**/*.test.ts'],
          exclude: [SLOW, ...LONG],
          testTimeout: 20_000,
          // The runner leaves a core to itself, which on two cores is half of them.
          maxWorkers: Math.max(3, availableParallelism()),
        },
      },
      // Long; `npm run test:fuzz`. The slow tests hold a small version of it.
      { test: { name: 'fuzz', execArgv, include: ['test/fuzz/**/*.test.ts'], testTimeout: 600_000 } },
      // Long, needs Orthanc; `npm run test:faults`. The slow tests hold a small version of it.
      {
        test: {
          name: 'faults',
          execArgv,
          include: ['test/faults/**/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 120_000,
        },
      },
      // Minutes of kills; `npm run test:kills`. The slow tests hold a small version of it.
      {
        test: {
          name: 'kills',
          execArgv,
          include: ['test/kills/**/*.test.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      // A release in a clean Debian: needs root and Debian's packages; `npm run test:install`.
      {
        test: {
          name: 'install',
          execArgv,
          include: ['test/install/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      // The image, built and run: needs root, Debian's packages and the npm registry; `npm run test:image`.
      {
        test: {
          name: 'image',
          execArgv,
          include: ['test/image/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 1_800_000,
        },
      },
      // Needs chromium, and OHIF from the npm registry; `npm run test:viewer`.
      {
        test: {
          name: 'viewer',
          execArgv,
          include: ['test/viewer/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      { test: { ...slow, name: 'slow', provide: { whole: false } } },
      // At full width: every reference run, more kills, both archives; `npm run test:whole`.
      { test: { ...slow, name: 'whole', provide: { whole: true } } },
    ],
  },
});
