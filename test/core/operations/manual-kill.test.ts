import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { manualProvider } from 'billfold/providers/manual'
import { afterEach, describe, expect, it } from 'vitest'
import { programOf } from '../../program.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Lets a process issue so many invoices, and kills it in the middle of the next. @returns what it was told it had issued */
async function issueUntilKilled(path: string, name: string, count: number): Promise<readonly string[]> {
  const program = await programOf(new URL('./manual-child.ts', import.meta.url))
  const child = spawn(process.execPath, [program, path, name], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.split('\n').length > count) child.kill('SIGKILL')
    })
    child.on('exit', (_, signal) => {
      if (signal === 'SIGKILL') resolve(output.split('\n').slice(0, -1))
      else reject(new Error(errors))
    })
  })
}

describe('invoices of processes that are killed', () => {
  it('S3.1 have numbers without a gap or a double, and none that was answered is lost', {
    timeout: 60_000,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'billfold-manual-'))
    closing.push(() => rm(folder, { recursive: true, force: true }))
    const path = join(folder, 'billing.db')
    const store = sqliteStore({ path })
    closing.push(() => store.close())
    await store.migrate()
    const issued = await Promise.all([5, 11, 20].map((count, at) => issueUntilKilled(path, `p${at}`, count)))
    const { invoices } = manualProvider({ store, instructions: 'Transfer it.' })
    const { items } = await invoices.list({ customerId: 'a', limit: 10_000 }, {})
    const expected = items.map((_, at) => `INV-${String(at + 1).padStart(6, '0')}`)
    expect(items.map(({ number }) => number ?? 'none').toSorted()).toEqual(expected)
    const known = new Set(items.map(({ externalId }) => externalId))
    expect(issued.flat().filter((id) => !known.has(id))).toEqual([])
    expect(issued.flat().length).toBeGreaterThanOrEqual(36)
  })
})
