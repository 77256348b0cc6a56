import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { storeConformance } from 'billfold/testing'
import { describe, expect, it } from 'vitest'

describe('memoryStore', () => {
  const cases = storeConformance({
    clock: 'given',
    open: async (options) => memoryStore(options),
    // It cannot be shared, but whoever has it may use it twice: the cases for two connections hold for that too.
    second: async (store) => store,
  })
  for (const { name, skip, run } of cases) it.skipIf(skip !== undefined)(`C5 ${name}`, run)

  it('C5 is tried in all but what needs a store that outlives the process', () => {
    const skipped = cases.filter((each) => each.skip !== undefined)
    expect(new Set(skipped.map((each) => each.needs))).toEqual(new Set(['reopen']))
    expect(cases.length).toBeGreaterThan(skipped.length)
  })
})

describe('a store with a clock of its own', () => {
  const cases = storeConformance({ clock: 'own', open: async () => memoryStore() })
  for (const { name, skip, run } of cases) (skip === undefined ? it.concurrent : it.skip)(`C5 ${name}`, run)
})

describe('what memoryStore has in its hands', () => {
  const days = { from: '2000-01-01', to: '2200-01-01' }
  const meters = { calls: { rate: { mode: 'per_unit', sparks: '1', per: '1' } } } as const

  async function open() {
    const store = memoryStore()
    const billing = createBilling({ store, catalog: defineCatalog({ meters, plans: { free: {} } }) })
    await billing.accounts.ensure({ accountId: 'a' })
    const record = (idempotencyKey: string) =>
      billing.recordUsage({ accountId: 'a', meter: 'calls', quantity: '1', idempotencyKey })
    return { store, billing, record }
  }

  it('C5 is not what it answered: a sum that was read stays as it was when usage is added to it', async () => {
    const { store, record } = await open()
    await record('1')
    const read = await store.ledger.rollups('a', days)
    await record('2')
    expect(read.map(({ events }) => events)).toEqual([1])
    expect((await store.ledger.rollups('a', days)).map(({ events }) => events)).toEqual([2])
  })

  it('S3.11 C5 is found by id, also rows that came after others were looked up', async () => {
    const { store, record } = await open()
    const found: (string | undefined)[] = []
    const rows = [await record('1'), await record('2')]
    for (const { id } of rows) found.push((await store.ledger.entry('a', id))?.id)
    rows.push(await record('3'), await record('4'))
    for (const { id } of [...rows].reverse()) found.push((await store.ledger.entry('a', id))?.id)
    const ids = rows.map(({ id }) => id)
    expect(found).toEqual([...ids.slice(0, 2), ...[...ids].reverse()])
    expect(await store.ledger.entry('a', 'ent_none')).toBeNull()
  })

  it('S3.11 C5 is there once: a grant that was used up and was given something back is an open one again', async () => {
    const { store, billing, record } = await open()
    const { id } = await billing.credits.grant({ accountId: 'a', amount: '1', reason: 'gift', idempotencyKey: 'g' })
    const usage = await record('1')
    expect((await store.ledger.grant('a', id))?.remaining).toBe(0n)
    await billing.usage.void({ accountId: 'a', id: usage.id, reason: 'wrong', idempotencyKey: 'v' })
    expect((await store.ledger.grant('a', id))?.remaining).toBe(1_000_000n)
    expect((await store.ledger.snapshot('a'))?.grants.map((grant) => grant.id)).toEqual([id])
    expect((await billing.verifyLedger()).findings).toEqual([])
  })
})

describe('memoryStore in production', () => {
  it('refuses to start, unless it is told that it may forget', () => {
    const before = process.env.NODE_ENV
    process.env.NODE_ENV = 'production'
    try {
      expect(() => memoryStore()).toThrow(/allowVolatile/)
      expect(memoryStore({ allowVolatile: true }).durable).toBe(false)
    } finally {
      process.env.NODE_ENV = before
    }
  })
})
