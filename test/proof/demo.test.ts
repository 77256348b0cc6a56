import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)
const demo = ['--import', 'tsx', 'examples/express/demo.ts']

it('C6 C7 the Express example plays its story by HTTP, and every number agrees', async () => {
  const { stdout } = await run(process.execPath, [...demo, '--once'], { env: { ...process.env, NO_COLOR: '1' } })
  expect(stdout).not.toContain('NO  ')
  expect(stdout.match(/^ {4}ok {2}/gm)?.length).toBeGreaterThanOrEqual(25)
  expect(stdout).toMatch(/All \d+ checks agree\./)
})

it('C7 the quick start runs', async () => {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', 'examples/quick-start/index.ts'])
  expect(stdout).toMatch(/^\d+ Sparks used, \d+ left, quota at_quota\n$/)
})

it('C7 the demo says what it takes, and refuses what it does not know', async () => {
  const { stdout } = await run(process.execPath, [...demo, '--help'])
  expect(stdout).toContain('--once')
  await expect(run(process.execPath, [...demo, '--twice'])).rejects.toMatchObject({ code: 2 })
})
