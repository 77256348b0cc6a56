import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBilling } from 'billfold'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { createGateway, type LostCalls } from 'billfold/gateway'
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

/** Serves a gateway until it kills itself at a point, of a call that is under way. */
async function killAt(point: string, lostCalls: LostCalls): Promise<string> {
  box.models.clear()
  box.models.reply({ says: 20, pieceDelayMs: 2 })
  const path = join(folder, `${point.replaceAll(' ', '-')}-${lostCalls}.db`)
  const opened = createBilling({ catalog, store: sqliteStore({ path }) })
  await opened.accounts.ensure({ accountId })
  await opened.credits.grant({ accountId, amount: given, reason: 'welcome', idempotencyKey: 'g' })
  await opened.close()

  const { baseURL } = box.models.openai
  const program = await programOf(child)
  const gateway = spawn(process.execPath, [program, path, baseURL, point, lostCalls], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const died = once(gateway, 'exit')
  const [url] = (await once(gateway.stdout, 'data')) as [Buffer]
  const asked = { model: 'gpt-5', messages, stream: true }
  const asking = fetch(`${url.toString()}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(asked) })
  await asking.then((response) => response.text()).catch(() => {})
  expect((await died)[1]).toBe('SIGKILL')
  return path
}

/** The hold's time and a minute more: what the sweeper finds. */
const later = () => Date.now() + 180_000

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
      const path = await killAt(point, 'release')
      const billing = createBilling({ catalog, store: sqliteStore({ path, now: later }), environment: { now: later } })
      await billing.sync.flush()
      expect(await billing.credits.balance({ accountId })).toMatchObject({ held: 0n, balance: given - charged })
      expect((await billing.verifyLedger({ accountId })).findings).toEqual([])
      expect(box.models.calls()).toHaveLength(calls)
      await billing.close()
    },
    60_000,
  )

  it.each([
    // Four bytes to a token, where nobody counts: what was produced nobody knows.
    ['in the middle', 'input', 5_000n],
    ['in the middle', 'held', null],
    ['after usage of hold', 'held', 204_000n],
  ] as const)(
    'G22 %s charges what the policy of lost calls says (%s), once',
    async (point, lostCalls, charged) => {
      const path = await killAt(point, lostCalls)
      const before = createBilling({ catalog, store: sqliteStore({ path }) })
      const { held } = await before.credits.balance({ accountId })
      await before.close()
      const billing = createBilling({ catalog, store: sqliteStore({ path, now: later }), environment: { now: later } })
      const { baseURL, apiKey } = box.models.openai
      const models = { 'gpt-5': { maximumOutputTokens: 1_000, contextTokens: 100_000 } }
      createGateway(billing, {
        meter: 'tokens',
        upstreams: [{ provider: 'openai', baseURL, apiKey, models }],
        lostCalls,
      })
      for (let time = 0; time < 3; time += 1) await billing.sync.flush()
      const cost = charged ?? held
      expect(cost).toBeGreaterThan(0n)
      expect(await billing.credits.balance({ accountId })).toMatchObject({ held: 0n, balance: given - cost })
      const { items } = await billing.usage.list({ accountId })
      expect(items).toHaveLength(1)
      if (point === 'in the middle') expect(items[0]?.dimensions).toEqual({ endpoint: 'chat', estimated: 'lost' })
      expect((await billing.verifyLedger({ accountId })).findings).toEqual([])
      await billing.close()
    },
    60_000,
  )
})
