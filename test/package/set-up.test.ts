import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeIsSupported, plan, setUp } from '../../scripts/setup.mjs'
import { run } from '../../scripts/tool.mjs'
import { temporaryFolder, writeFiles } from './temporary-folder.js'

const manifest = {
  name: 'fixture',
  version: '1.0.0',
  scripts: { test: 'true' },
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
}

let root: string
/** What set-up ran, in order. */
let ran: string[]
let log: string[]

beforeEach(() => {
  ran = []
  log = []
  root = temporaryFolder({
    'package.json': JSON.stringify(manifest),
    'package-lock.json': '{}',
    'src/index.ts': 'export const one = 1',
  })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Stands in for npm and tsup: leaves the files they would. */
async function fakeTool(_file: string, args: readonly string[]) {
  const installs = args.includes('install')
  ran.push(installs ? 'install' : ['build', ...args.slice(1)].join(' '))
  if (installs) {
    const tsup = JSON.stringify({ bin: { tsup: 'cli.js' } })
    const typescript = JSON.stringify({ bin: { tsc: 'tsc.js' } })
    writeFiles(root, {
      'node_modules/.package-lock.json': '{}',
      'node_modules/tsup/package.json': tsup,
      'node_modules/typescript7/package.json': typescript,
    })
  } else {
    writeFiles(root, args.length === 1 ? { 'dist/index.js': '' } : { 'dist/index.d.ts': '' })
  }
  return { code: 0, output: '' }
}

const ready = (options: { build?: boolean; types?: boolean } = {}) =>
  setUp({ root, run: fakeTool, log: (line) => log.push(line), ...options })

describe('set-up', () => {
  it('installs and builds in a fresh clone, then has nothing to do and says nothing', async () => {
    expect(await ready()).toEqual({ install: true, build: true, declare: false })
    expect(ran).toEqual(['install', 'build'])
    expect(log.at(-1)).toMatch(/^Building: done in [\d.]+ s$/)

    log = []
    expect(await ready()).toEqual({ install: false, build: false, declare: false })
    expect(ran).toHaveLength(2)
    expect(log).toEqual([])
  })

  it.each([
    [
      'a source changes',
      () => writeFiles(root, { 'src/index.ts': 'export const one = 2' }),
      { install: false, build: true, declare: false },
    ],
    [
      'a source is added',
      () => writeFiles(root, { 'src/core/two.ts': '' }),
      { install: false, build: true, declare: false },
    ],
    ['a source is renamed', () => renameSource(), { install: false, build: true, declare: false }],
    [
      'the build is configured anew',
      () => writeFiles(root, { 'tsup.config.ts': '1' }),
      { install: false, build: true, declare: false },
    ],
    [
      'an output is missing',
      () => rmSync(join(root, 'dist/index.js')),
      { install: false, build: true, declare: false },
    ],
    [
      'the lockfile changes',
      () => writeFiles(root, { 'package-lock.json': '{ }' }),
      { install: true, build: true, declare: false },
    ],
    [
      'a dependency is added',
      () => edit({ devDependencies: { zod: '4.0.0' } }),
      { install: true, build: true, declare: false },
    ],
    [
      'node_modules is gone',
      () => rmSync(join(root, 'node_modules'), { recursive: true }),
      { install: true, build: true, declare: false },
    ],
    [
      'an install was interrupted',
      () => rmSync(join(root, 'node_modules/.package-lock.json')),
      { install: true, build: true, declare: false },
    ],
    [
      'the stamp is damaged',
      () => writeFiles(root, { [stamp]: '{"inst' }),
      { install: true, build: true, declare: false },
    ],
    [
      'a test changes',
      () => writeFiles(root, { 'test/a.test.ts': '1' }),
      { install: false, build: false, declare: false },
    ],
  ])('sees what is stale when %s', async (_when, change, expected) => {
    await ready()
    change()
    expect(plan(root)).toEqual(expected)
    expect(await ready()).toEqual(expected)
    expect(plan(root)).toEqual({ install: false, build: false, declare: false })
  })

  it('builds the types only when asked, and then keeps them', async () => {
    await ready()
    expect(await ready({ types: true })).toEqual({ install: false, build: false, declare: true })
    expect(await ready({ types: true })).toEqual({ install: false, build: false, declare: false })
    expect(await ready()).toEqual({ install: false, build: false, declare: false })
    expect(ran).toEqual(['install', 'build', 'build -p tsconfig.types.json', 'build --config tsup.types.config.ts'])
  })

  it('only installs with build: false', async () => {
    expect(await ready({ build: false })).toEqual({ install: true, build: false, declare: false })
    expect(existsSync(join(root, 'dist'))).toBe(false)
  })

  it('passes on the exit code and the tail of the output of what failed, and tries again the next time', async () => {
    const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n')
    const failing = setUp({ root, log: () => {}, run: async () => ({ code: 7, output: lines }) })
    await expect(failing).rejects.toMatchObject({
      exitCode: 7,
      message: expect.stringMatching(/line 60\n[\s\S]*line 99$/),
    })
    await expect(failing).rejects.not.toMatchObject({ message: expect.stringContaining('line 59') })
    expect(existsSync(join(root, lockFile))).toBe(false)
    expect(await ready()).toEqual({ install: true, build: true, declare: false })
  })

  it('does the work once when two start together', async () => {
    await Promise.all([ready(), ready(), ready()])
    expect(ran).toEqual(['install', 'build'])
    expect(log).toContain('Waiting for another set-up of this checkout …')
  })

  it('takes over the lock of a process that is gone', async () => {
    const { output: gone } = await run(process.execPath, ['-p', 'process.pid'], { cwd: root })
    writeFiles(root, { [lockFile]: gone.trim() })
    expect(await ready()).toEqual({ install: true, build: true, declare: false })
    expect(existsSync(join(root, lockFile))).toBe(false)
  })

  it('refuses a Node that is too old', () => {
    expect(['20.19.0', '20.20.2', '22.0.0'].map(nodeIsSupported)).toEqual([true, true, true])
    expect(['18.20.0', '20.18.3', '9.9.9'].map(nodeIsSupported)).toEqual([false, false, false])
  })

  it('refuses an option it does not know', async () => {
    const script = join(process.cwd(), 'scripts/setup.mjs')
    expect(await run(process.execPath, [script, '--quick'], { cwd: root })).toEqual({
      code: 2,
      output: 'Unknown option --quick. Known: --no-build, --types.\n',
    })
  })
})

const stamp = 'node_modules/.billfold-setup.json'
const lockFile = 'node_modules/.billfold-setup.lock'

function edit(change: object) {
  writeFileSync(join(root, 'package.json'), JSON.stringify({ ...manifest, ...change }))
}

function renameSource() {
  writeFiles(root, { 'src/renamed.ts': readFileSync(join(root, 'src/index.ts'), 'utf8') })
  rmSync(join(root, 'src/index.ts'))
}
