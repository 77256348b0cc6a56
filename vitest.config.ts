import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { entries } from './scripts/entries.mjs'
import SummaryReporter from './scripts/summary-reporter.mjs'

// Tests import `billfold` by name, as an app does, and get the sources: no build between a change and its test.
const sources = entries.map(({ name, source }) => ({
  find: new RegExp(`^${name}$`),
  replacement: fileURLToPath(new URL(source, import.meta.url)),
}))

const onEveryStore = [
  'test/core/operations/**/*.test.ts',
  'test/core/delivery.test.ts',
  'test/{http,gateway,webhooks}/**/*.test.ts',
]

/** Proofs that keep every processor busy by themselves, and look at what happens within seconds. */
const alone = ['test/proof/{crash,cut,flood,kill,moving,race,replay}.test.ts']

/**
 * `isolate: false` has the files of a project share what they import: reading the package anew for each would take as long as many tests.
 */
const projects = [
  {
    name: 'unit',
    include: ['test/{client,core,docs,http,prices,react,types}/**/*.test.ts'],
    exclude: onEveryStore,
    alias: sources,
    isolate: false,
    testTimeout: 30_000,
  },
  // On every store and every provider: one PostgreSQL for all of its files, and each worker reads the whole package once.
  {
    name: 'operations',
    include: [...onEveryStore, 'test/{providers,testing}/**/*.test.ts'],
    alias: sources,
    isolate: false,
    globalSetup: 'test/core/operations/postgres-set-up.ts',
    testTimeout: 30_000,
  },
  { name: 'stores', include: ['test/adapters/**/*.test.ts'], alias: sources, isolate: false, testTimeout: 60_000 },
  // Pages of the package in chromium, if there is one: one browser and one server for all of them.
  { name: 'browser', include: ['test/browser/**/*.test.ts'], alias: sources, testTimeout: 60_000 },
  // The three below start child processes on the built package.
  // Each in a process of its own: what one leaves behind would slow down the next.
  { name: 'proof', include: ['test/proof/**/*.test.ts'], exclude: alone, testTimeout: 120_000 },
  {
    name: 'proof-alone',
    include: alone,
    testTimeout: 240_000,
    fileParallelism: false,
    // After all others, with nothing beside it.
    sequence: { groupOrder: 1 },
  },
  { name: 'package', include: ['test/package/**/*.test.ts'], isolate: false, testTimeout: 120_000 },
  // `npm run test:next`: installs half a gigabyte, and builds the package and the example.
  ...(process.env.BILLFOLD_NEXT ? [{ name: 'next', include: ['test/next/**/*.test.ts'], testTimeout: 60_000 }] : []),
]

export default defineConfig({
  test: {
    // On two processors vitest would take one.
    maxWorkers: 2,
    reporters: ['default', new SummaryReporter()],
    projects: projects.map((project) => ({ extends: true, test: { hookTimeout: 120_000, ...project } })),
  },
})
