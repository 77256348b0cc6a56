import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBilling } from 'billfold'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { type Sandbox, sandbox } from 'billfold/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programOf } from '../program.js'
import { accountId, catalog, messages } from './world.js'

let box: Sandbox
let folder: string
beforeAll(async () => {
  box = await sandbox()
  folder = await mkdtemp(join(tmpdir(), 'billfold-gateway-'))
})
afterAll(async () => {
  await box.close()
  await rm(folder, { recursive: true, force: true })
})

const given = 1_000_000_000n
const child = new URL('./kill-child.ts', import.meta.url)

describe('a gateway that is killed', () => {
  it.each([
    ['before hold', 0n, 0],
    ['after hold', 0n, 0],
    ['before sending', 0n, 0],
    ['after the headers', 0n, 1],
    ['in the middle', 0n, 1],
    ['before usage of hold', 0n, 1],
    // 4 × $1/M + 20 × $10/M: it was paid for, and told nobody.
    ['after usage of hold', 204_000n, 1],
  ] as const)(
    'G22 %s leaves nothing held once the hold is over, and nothing charged twice',
    async (point, charged, calls) => {
      box.models.clear()
      box.models.reply({ says: 20, pieceDelayMs: 2 })
      const path = join(folder, `${point.replaceAll(' ', '-')}.db`)
      const opened = createBilling({ catalog, store: sqliteStore({ path }) })
      await opened.accounts.ensure({ accountId })
      await opened.credits.grant({ accountId, amount: given, reason: 'welcome', idempotencyKey: 'g' })
      await opened.close()

      const { baseURL } = box.models.openai
      const gateway = spawn(process.execPath, [await programOf(child), path, baseURL, point], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const died = once(gateway, 'exit')
      const [url] = (await once(gateway.stdout, 'data')) as [Buffer]
      const asked = { model: 'gpt-5', messages, stream: true }
      const asking = fetch(`${url.toString()}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(asked) })
      await asking.then((response) => response.text()).catch(() => {})
      expect((await died)[1]).toBe('SIGKILL')

      // The hold's time and a minute more: what the sweeper finds.
      const now = () => Date.now() + 180_000
      const billing = createBilling({ catalog, store: sqliteStore({ path, now }), environment: { now } })
      await billing.sync.flush()
      expect(await billing.credits.balance({ accountId })).toMatchObject({ held: 0n, balance: given - charged })
      expect((await billing.verifyLedger({ accountId })).findings).toEqual([])
      expect(box.models.calls()).toHaveLength(calls)
      await billing.close()
    },
    60_000,
  )
})
