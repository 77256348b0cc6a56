#!/usr/bin/env node
// Everything that is checked beside the tests: one line a step, and the output of those that fail.
//
//   node scripts/check.mjs                 all steps, two at a time
//   node scripts/check.mjs types format    only these
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setUp } from './setup.mjs'
import { run, secondsSince, toolPath } from './tool.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Name → the tool's package, its arguments, and its command where the package has several. @type {Record<string, [string, string[], string?]>} */
const tools = {
  types: ['typescript7', ['-p', 'tsconfig.json'], 'tsc'],
  format: ['@biomejs/biome', ['check', '--error-on-warnings', '.']],
  imports: ['dependency-cruiser', ['--config', '.dependency-cruiser.mjs', 'src', 'examples'], 'depcruise'],
  unused: ['knip', [], 'knip'],
  // The next three look at the built package, type declarations included.
  manifest: ['publint', ['--strict']],
  resolution: [
    '@arethetypeswrong/cli',
    ['--pack', '.', '--profile', 'node16', '--no-emoji', '--exclude-entrypoints', './react/styles.css'],
  ],
  size: ['size-limit', []],
  docs: ['typedoc', ['--emit', 'none']],
}

const chosen = process.argv.slice(2)
const unknown = chosen.find((name) => !(name in tools) && name !== 'build')
if (unknown) {
  console.error(`No step is called ${unknown}. Steps: ${Object.keys(tools).join(', ')}, build.`)
  process.exit(2)
}
// Two rows that take about as long as each other.
const lanes = [
  ['types', 'docs'],
  ['format', 'imports', 'unused', 'build', 'manifest', 'resolution', 'size'],
]
await setUp({ root, build: false })

/** @type {string[]} */
const failed = []
await Promise.all(
  lanes.map(async (names) => {
    for (const name of names) {
      if (chosen.length > 0 && !chosen.includes(name)) continue
      const start = performance.now()
      const { code, output } = await check(name)
      console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(11)} ${secondsSince(start)}`)
      if (code !== 0) {
        failed.push(name)
        console.log(`\n${output.trimEnd()}\n`)
      }
    }
  }),
)
console.log(failed.length === 0 ? 'All checks passed.' : `Failed: ${failed.join(', ')}.`)
process.exitCode = failed.length === 0 ? 0 : 1

/** @param {string} name @returns {Promise<{ code: number, output: string }>} */
async function check(name) {
  const tool = tools[name]
  if (tool) return run(process.execPath, [toolPath(root, tool[0], tool[2]), ...tool[1]], { cwd: root })
  return setUp({ root, types: true, log: () => {} }).then(
    () => ({ code: 0, output: '' }),
    (error) => ({ code: 1, output: error.message }),
  )
}
