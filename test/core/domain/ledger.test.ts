import { defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { LedgerCommand, UsageCommand } from '../../../src/core/domain/ledger/command.js'
import { dedupeOf, fingerprintOf } from '../../../src/core/domain/ledger/key.js'
import type { LedgerOutcome } from '../../../src/core/domain/ledger/outcome.js'

const catalog = defineCatalog({
  plans: {
    metered: { meters: { ai_tokens: { included: '1' } } },
    capped: { price: { amount: '10' }, meters: { ai_tokens: { included: '1', limit: '5' } } },
    postpaid: { price: { amount: '20' }, overage: true },
    own_keys: { price: { amount: '5' }, byo: true },
    endless: { price: { amount: '50' }, meters: { ai_tokens: { included: 'unlimited' } } },
  },
})
const rules = { catalog, metering: ['meters'], tracing: ['traces'], collecting: 'meters' }
const accountId = 'a'
const million = 1_000_000n

function keyed(kind: string, key: string) {
  return {
    accountId,
    id: `${kind}_${key}`,
    key,
    dedupe: dedupeOf(accountId, kind, key),
    fingerprint: fingerprintOf({ kind, key }),
  }
}

function usage(key: string, sparks: bigint, more: Partial<UsageCommand> = {}): UsageCommand {
  const rated = {
    meter: 'ai_tokens',
    quantity: sparks,
    sparks,
    costUsd: null,
    model: null,
    provider: null,
    serviceTier: null,
    tokens: null,
    dimensions: {},
    priceVersion: 'v',
  }
  return {
    kind: 'usage',
    ...keyed('usage', key),
    usage: rated,
    occurredAt: null,
    onInsufficient: 'record',
    holdId: null,
    keepsHold: false,
    onExcess: 'debt',
    budgets: [],
    ...more,
  }
}

function grant(
  key: string,
  amount: bigint,
  more: Partial<Extract<LedgerCommand, { kind: 'grant' }>> = {},
): LedgerCommand {
  return {
    kind: 'grant',
    ...keyed('grant', key),
    amount,
    grantKind: 'paid',
    priority: 0,
    expiresAt: null,
    reason: 'test',
    payment: null,
    ...more,
  }
}

function hold(key: string, sparks: bigint, meter: string | null = null): LedgerCommand {
  return {
    kind: 'hold',
    ...keyed('hold', key),
    usage: { meter, quantity: meter ? sparks : 0n, sparks, costUsd: null },
    ttlMs: 5_000,
    reason: '',
    dimensions: {},
    budgets: [],
  }
}

async function open(plan = 'metered') {
  let now = Date.UTC(2026, 10, 21)
  const store = memoryStore({ now: () => now })
  await store.accounts.ensure({ id: accountId, email: null, name: null, plan })
  const run = async (...commands: LedgerCommand[]) => store.ledger.commit(commands, rules)
  const one = async (command: LedgerCommand) => (await run(command))[0] as LedgerOutcome
  const account = async () => (await store.ledger.snapshot(accountId))?.account
  const advance = (ms: number) => {
    now += ms
  }
  return { store, run, one, account, advance }
}

const amount = fc.bigInt(1n, 3n * million)
const key = fc.integer({ min: 0, max: 40 }).map(String)
const step = fc.oneof(
  fc.tuple(key, amount).map(([k, sparks]): LedgerCommand => usage(k, sparks)),
  fc.tuple(key, amount).map(([k, sparks]): LedgerCommand => usage(k, sparks, { onInsufficient: 'refuse' })),
  fc
    .tuple(key, amount, fc.boolean())
    .map(([k, sparks, soon]) => grant(k, sparks, soon ? { expiresAt: Date.UTC(2026, 10, 21, 0, 0, 9) } : {})),
  fc.tuple(key, amount, fc.boolean()).map(([k, sparks, metered]) => hold(k, sparks, metered ? 'ai_tokens' : null)),
  fc.tuple(key, key, amount, fc.constantFrom('debt', 'write_off', 'refuse')).map(
    ([k, held, sparks, onExcess]): LedgerCommand => ({
      kind: 'capture',
      ...keyed('capture', k),
      holdId: `hold_${held}`,
      amount: sparks,
      onExcess: onExcess as 'debt',
      budgets: [],
    }),
  ),
  fc
    .tuple(key, key, amount)
    .map(([k, held, sparks]): LedgerCommand => usage(`h${k}`, sparks, { holdId: `hold_${held}` })),
  fc
    .tuple(key, key)
    .map(([k, held]): LedgerCommand => ({ kind: 'release', ...keyed('release', k), holdId: `hold_${held}` })),
  fc.constant<LedgerCommand>({ kind: 'expire', accountId, id: 'sweep' }),
)

it('S3.11 no interleaving of grants, usage, holds, captures, releases and expiry loses or makes a spark', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.array(step, { minLength: 1, maxLength: 6 }), fc.nat(2_000)), { maxLength: 25 }),
      async (batches) => {
        const { store, run, account, advance } = await open()
        for (const [batch, ms] of batches) {
          await run(...batch)
          advance(ms)
        }
        const unswept = await account()
        await run({ kind: 'expire', accountId, id: 'last_sweep' })
        const rows = await store.ledger.entries(accountId, { limit: 10_000 })
        const state = await account()
        expect(state).toEqual(unswept)
        expect(state?.balance).toBe(rows.reduce((sum, row) => sum + row.amount, 0n))
        const keys = [...Array(41).keys()]
        const holds = await Promise.all(keys.map((name) => store.ledger.hold(accountId, `hold_${name}`)))
        const opened = holds.flatMap((held) => (held?.status === 'open' ? [held] : []))
        expect(state?.held).toBe(opened.reduce((sum, held) => sum + held.sparks, 0n))
        for (const counter of (await store.ledger.snapshot(accountId))?.counters ?? []) {
          const counted = opened.filter((held) => held.meter === counter.meter)
          expect(counter.held).toBe(counted.reduce((sum, held) => sum + held.quantity, 0n))
          expect(counter.heldAllowance).toBe(counted.reduce((sum, held) => sum + held.allowance, 0n))
          expect(counter.allowance + counter.heldAllowance <= million).toBe(true)
        }
        for (const row of rows) {
          if (!row.usage) continue
          const parts = Object.values(row.usage.settledBy).reduce((sum, part) => sum + part, 0n)
          expect(parts).toBe(row.usage.sparks)
        }
      },
    ),
    { numRuns: 300 },
  )
})

it('a repeated key changes nothing and answers as the first time; with another body it is refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (commands) => {
      const { one, store } = await open()
      for (const command of commands) {
        const first = await one(command)
        if (first.status !== 'applied' || !('dedupe' in command)) continue
        const before = JSON.stringify(await store.ledger.entries(accountId, { limit: 1_000 }), (_, value) =>
          typeof value === 'bigint' ? `${value}` : value,
        )
        const again = await one(command)
        expect(again).toEqual({ status: 'duplicate', result: first.result })
        expect(await one({ ...command, fingerprint: 'other' })).toMatchObject({
          status: 'refused',
          code: 'idempotency_conflict',
        })
        const after = JSON.stringify(await store.ledger.entries(accountId, { limit: 1_000 }), (_, value) =>
          typeof value === 'bigint' ? `${value}` : value,
        )
        expect(after).toBe(before)
      }
    }),
    { numRuns: 100 },
  )
})

it('S3.9 usage that must be covered is refused when it is not, leaves the ledger untouched and the key free', async () => {
  const { one, store, account } = await open()
  const strict = usage('u', 5n * million, { onInsufficient: 'refuse' })
  expect(await one(strict)).toMatchObject({
    status: 'refused',
    code: 'insufficient_credits',
    details: { missingSparks: 4n * million },
  })
  expect(await store.ledger.entries(accountId, { limit: 10 })).toEqual([])
  await one(grant('g', 4n * million))
  expect(await one(strict)).toMatchObject({
    status: 'applied',
    result: { settledBy: { allowance: million, credits: 4n * million } },
  })
  expect(await account()).toMatchObject({ balance: 0n })
})

it('usage that happened is recorded as debt, and the next grant pays it first', async () => {
  const { one, account } = await open()
  expect(await one(usage('u', 4n * million))).toMatchObject({
    result: { settledBy: { allowance: million, debt: 3n * million } },
  })
  await one(grant('g', 10n * million))
  expect(await account()).toMatchObject({ balance: 7n * million })
})

it('gates in order: suspended, hard quota, byo or unlimited, allowance, promotional before paid, overage, refusal', async () => {
  const strict = (k: string, units: bigint) => usage(k, units * million, { onInsufficient: 'refuse' })
  const capped = await open('capped')
  expect(await capped.one(strict('1', 6n))).toMatchObject({ code: 'quota_exceeded' })
  await capped.one({ kind: 'suspend', ...keyed('suspend', 's'), reason: 'fraud' })
  expect(await capped.one(strict('2', 6n))).toMatchObject({ code: 'invalid_state', details: { reason: 'suspended' } })
  expect((await open('own_keys').then(({ one }) => one(strict('1', 9n)))).status).toBe('applied')
  expect(await (await open('endless')).one(strict('1', 9n))).toMatchObject({
    result: { settledBy: { allowance: 9n * million } },
  })
  expect(await (await open('postpaid')).one(strict('1', 9n))).toMatchObject({
    result: { settledBy: { 'meter:meters': 9n * million } },
  })

  const { one, store } = await open()
  await one(grant('paid', 5n * million))
  await one(grant('gift', 5n * million, { grantKind: 'promotional' }))
  await one(strict('1', 3n))
  const [row] = await store.ledger.entries(accountId, { limit: 1 })
  expect(row?.burns).toEqual([{ grantId: 'grant_gift', amount: 2n * million }])
})

it('a balance of 2^62 micro-sparks is kept exactly, and more than 2^63 - 1 is refused', async () => {
  const { one, account } = await open()
  await one(grant('g', 2n ** 62n))
  await one(usage('u', 1_000_001n))
  expect((await account())?.balance).toBe(2n ** 62n - 1n)
  expect(await one(grant('h', 2n ** 62n + 2n))).toMatchObject({ status: 'refused', code: 'amount_out_of_range' })
})
