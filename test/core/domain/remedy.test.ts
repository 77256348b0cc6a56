import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { LedgerOutcome } from '../../../src/core/domain/ledger/outcome.js'
import type { Remedy } from '../../../src/core/domain/remedy.js'
import { authorize, grant, hold, usage } from '../../../src/testing/store-conformance/commands.js'
import { openWorld } from './world.js'

const catalog = defineCatalog({ plans: { free: {} } })

it.each([
  ['ai_tokens', 5_000, '12.3456', '123'],
  ['compute_minutes', '10', '12.345678', '0.246913'],
] as const)(
  'a smaller request of %s is one that the meter takes and that passes',
  async (meter, quantity, amount, most) => {
    const billing = createBilling({ catalog, store: memoryStore() })
    const accountId = 'acct_1'
    await billing.accounts.ensure({ accountId })
    await billing.credits.grant({ accountId, amount, kind: 'paid', reason: 'gift', idempotencyKey: 'g-1' })
    const denied = await billing.authorize({ accountId, meter, quantity })
    expect(denied).toMatchObject({ allowed: false })
    const smaller = denied.allowed ? undefined : denied.remedies.find(({ kind }) => kind === 'smaller_request')
    expect(smaller).toEqual({ kind: 'smaller_request', quantity: most })
    expect(await billing.authorize({ accountId, meter, quantity: most })).toMatchObject({ allowed: true })
  },
)

it('there is no smaller request when not one unit is left', async () => {
  const billing = createBilling({ catalog, store: memoryStore() })
  await billing.accounts.ensure({ accountId: 'acct_1' })
  const gift = { accountId: 'acct_1', amount: '0.05', kind: 'paid', reason: 'gift', idempotencyKey: 'g-1' } as const
  await billing.credits.grant(gift)
  const denied = await billing.authorize({ accountId: 'acct_1', meter: 'ai_tokens', quantity: 5 })
  expect(denied.allowed ? [] : denied.remedies.map(({ kind }) => kind)).toEqual(['top_up'])
})

const million = 1_000_000n
const units = (count: number) => BigInt(count) * million

function refusalOf(outcome: LedgerOutcome) {
  if (outcome.status !== 'refused') throw new Error(`expected a refusal, not ${outcome.status}`)
  return outcome as typeof outcome & {
    readonly details: {
      readonly missingSparks: bigint
      readonly retryAt?: string
      readonly remedies: readonly Remedy[]
    }
  }
}

it('the missing Sparks are those with which the request passes, whatever is held and owed', async () => {
  const amount = fc.bigInt(1n, units(300))
  await fc.assert(
    fc.asyncProperty(
      fc.record({ given: amount, held: amount, used: amount, asked: amount, isMetered: fc.boolean() }),
      async ({ given, held, used, asked, isMetered }) => {
        const { one } = await openWorld('included')
        await one(grant('a', 'g', given))
        await one(hold('a', 'h', held, isMetered ? { meter: 'ai_tokens' } : {}))
        await one(usage('a', 'u', used))
        const question = authorize('a', asked)
        const first = await one(question)
        if (first.status === 'applied') return
        const { details } = refusalOf(first)
        const topUp = details.remedies.find((remedy) => remedy.kind === 'top_up')
        expect(topUp?.missingSparks).toBe(details.missingSparks)
        await one(grant('a', 'less', details.missingSparks - 1n || 1n))
        if (details.missingSparks > 1n) {
          expect(await one(question)).toMatchObject({ status: 'refused', details: { missingSparks: 1n } })
          await one(grant('a', 'last', 1n))
        }
        expect(await one(question)).toMatchObject({ status: 'applied' })
      },
    ),
    { numRuns: 200 },
  )
})

it('waiting is a remedy when a new count lets the request through, and no other time', async () => {
  const waits = async (plan: string, given: number, used: number, asked: number) => {
    const { one } = await openWorld(plan)
    if (given > 0) await one(grant('a', 'g', units(given)))
    await one(usage('a', 'u', units(used)))
    const { details } = refusalOf(await one(authorize('a', units(asked))))
    const until = details.remedies.flatMap((remedy) => (remedy.kind === 'wait' ? [remedy.until] : []))
    return [details.retryAt ?? null, ...until.map((moment) => new Date(moment).toISOString())]
  }
  const december = '2026-12-01T00:00:00.000Z'
  expect(await waits('capped', 1_000, 60, 50)).toEqual([december, december])
  expect(await waits('capped', 1_000, 60, 101)).toEqual([null])
  expect(await waits('capped', 0, 100, 50)).toEqual([null])
  // The plan includes it again then, but credits are the remedy that is offered.
  expect(await waits('included', 0, 1_000, 500)).toEqual([december])
  expect(await waits('included', 0, 1_000, 1_001)).toEqual([null])
})

it('the cheapest plan is the one that costs least in the same time', async () => {
  const meters = { ai_tokens: { included: '1000' } }
  const offers = defineCatalog({
    plans: {
      free: {},
      monthly: { price: { amount: '10' }, meters },
      yearly: { price: { amount: '100', interval: 'year' }, meters },
    },
  })
  const { one } = await openWorld('free', { catalog: offers })
  const { details } = refusalOf(await one(authorize('a', units(10))))
  expect(details.remedies).toContainEqual({ kind: 'upgrade', plan: 'yearly' })
})

it('what usage that settles a hold lacks is told without what that hold reserved', async () => {
  const { one } = await openWorld('free')
  await one(grant('a', 'g', units(100)))
  await one(hold('a', 'h', units(100), { meter: 'ai_tokens' }))
  const outcome = await one(usage('a', 'u', units(130), { holdId: 'hold_h', onInsufficient: 'refuse' }))
  expect(refusalOf(outcome).details).toMatchObject({
    missingSparks: units(30),
    remedies: [{ kind: 'top_up', missingSparks: units(30) }, { kind: 'upgrade' }, { kind: 'smaller_request' }],
  })
})
