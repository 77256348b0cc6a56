import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { LedgerOutcome } from '../../../src/core/domain/ledger/outcome.js'
import { changePlan, grant, hold, release, strict, usage } from '../../../src/testing/store-conformance/commands.js'
import { accountId, million, openWorld } from './world.js'

const meter = { meter: 'ai_tokens' }
const units = (count: number) => BigInt(count) * million
const take = (key: string, count: number, more: Parameters<typeof usage>[3] = {}) =>
  usage(accountId, `c${key}`, units(count), { holdId: `hold_${key}`, ...more })

function settledBy(outcome: LedgerOutcome | undefined) {
  return outcome?.status === 'applied' && outcome.result.kind === 'usage' ? outcome.result.settledBy : outcome
}

it('S2.3 two holds that share the allowance are charged for what is beyond it, and no more', async () => {
  const { commit, account } = await openWorld('included')
  await commit(grant(accountId, 'g', units(1_000)))
  await commit(hold(accountId, '1', units(600), meter), hold(accountId, '2', units(600), meter))
  expect(await account()).toMatchObject({ held: units(200) })
  const [first, second] = await commit(take('1', 600), take('2', 600))
  expect(settledBy(first)).toEqual({ allowance: units(600) })
  expect(settledBy(second)).toEqual({ allowance: units(400), credits: units(200) })
  expect(await account()).toMatchObject({ balance: units(800), held: 0n })
})

it('S2.3 a hold keeps the allowance it reserved, whatever is used beside it', async () => {
  const { commit, account, counter } = await openWorld('included')
  await commit(grant(accountId, 'g', units(600)), hold(accountId, '1', units(600), meter))
  expect(await account()).toMatchObject({ held: 0n })
  const [beside, captured] = await commit(usage(accountId, 'u', units(1_000)), take('1', 600))
  expect(settledBy(beside)).toEqual({ allowance: units(400), credits: units(600) })
  expect(settledBy(captured)).toEqual({ allowance: units(600) })
  expect(await account()).toMatchObject({ balance: 0n })
  expect(await counter()).toMatchObject({ used: units(1_600), allowance: units(1_000), heldAllowance: 0n })
})

it('S2.3 taking exactly what was held passes where excess is refused', async () => {
  const { commit } = await openWorld('included')
  await commit(grant(accountId, 'g', units(200)))
  await commit(hold(accountId, '1', units(600), meter), hold(accountId, '2', units(600), meter))
  const onExcess = 'refuse' as const
  const outcomes = await commit(take('1', 600, { onExcess }), take('2', 600, { onExcess }))
  expect(outcomes.map(({ status }) => status)).toEqual(['applied', 'applied'])
})

it('allowance that a hold gave back is there for what comes next', async () => {
  const { commit, one } = await openWorld('included')
  await commit(grant(accountId, 'g', units(1_000)), hold(accountId, '1', units(600), meter))
  await commit(usage(accountId, 'u', units(1_000)), release(accountId, 'r', 'hold_1'))
  expect(settledBy(await one(usage(accountId, 'v', units(700))))).toEqual({
    allowance: units(600),
    credits: units(100),
  })
})

it('a capture uses the allowance it reserved before what is free, and a smaller one gives the rest back', async () => {
  const { commit, one, counter } = await openWorld('included')
  await commit(grant(accountId, 'g', units(1_000)), hold(accountId, '1', units(300), meter))
  expect(settledBy(await one(take('1', 100)))).toEqual({ allowance: units(100) })
  await commit(hold(accountId, '2', units(300), meter))
  expect(settledBy(await one(take('2', 1_000)))).toEqual({ allowance: units(900), credits: units(100) })
  expect(await counter()).toMatchObject({ allowance: units(1_000), heldAllowance: 0n, held: 0n })
})

it('a hold that reserved allowance in one period and is captured in the next takes what it reserved', async () => {
  const world = await openWorld('included', { at: '2026-11-30T23:59:00Z' })
  await world.commit(grant(accountId, 'g', units(1_000)), hold(accountId, '1', units(600), meter))
  world.at('2026-12-01T00:01:00Z')
  await world.commit(usage(accountId, 'u', units(900)))
  expect(settledBy(await world.one(take('1', 600)))).toEqual({ allowance: units(600) })
})

it('another plan in the middle of a period adds its allowance to what was given, and takes none back', async () => {
  const { commit, one, counter } = await openWorld('included')
  await commit(usage(accountId, 'u', units(800)), changePlan(accountId, 'p', 'larger'))
  expect(settledBy(await one(usage(accountId, 'v', units(1_500))))).toEqual({
    allowance: units(1_200),
    debt: units(300),
  })
  await commit(changePlan(accountId, 'q', 'included'))
  expect(settledBy(await one(usage(accountId, 'w', units(1))))).toEqual({ debt: units(1) })
  expect(await counter()).toMatchObject({ allowance: units(2_000) })
})

/** What a step does; holds are named by the step that took them. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('use' as const), count: fc.nat(700), isStrict: fc.boolean() }),
  fc.record({ kind: fc.constant('hold' as const), count: fc.nat(700) }),
  fc.record({ kind: fc.constant('capture' as const), of: fc.nat(20), percent: fc.nat(150) }),
  fc.record({ kind: fc.constant('release' as const), of: fc.nat(20) }),
)
const included = units(1_000)

it('S2.3 no interleaving gives more than is included, or charges a unit while any of it is free', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { store, one, counter } = await openWorld('included')
      await one(grant(accountId, 'g', units(5_000)))
      let gaveBack = false
      const open = new Set<number>()
      const settle = async (of: number, quantity: bigint | null, key: string) => {
        const before = await store.ledger.hold(accountId, `hold_${of}`)
        if (!open.delete(of) || !before) return
        if (quantity === null || quantity < before.allowance) gaveBack = gaveBack || before.allowance > 0n
        if (quantity === null) await one(release(accountId, key, before.id))
        else await one(usage(accountId, key, quantity, { holdId: before.id }))
      }
      const isHeld = (of: number) => store.ledger.hold(accountId, `hold_${of}`)
      for (const [index, each] of steps.entries()) {
        const before = await counter()
        const key = String(index)
        let own = 0n
        if (each.kind === 'use') await one((each.isStrict ? strict : usage)(accountId, key, units(each.count)))
        if (each.kind === 'hold') {
          const outcome = await one(hold(accountId, key, units(each.count), meter))
          if (outcome.status === 'applied') open.add(index)
        }
        if (each.kind === 'release') await settle(each.of, null, key)
        if (each.kind === 'capture' && open.has(each.of)) {
          const held = await isHeld(each.of)
          own = held?.allowance ?? 0n
          await settle(each.of, ((held?.quantity ?? 0n) * BigInt(each.percent)) / 100n, key)
        }
        const after = await counter()
        if (!after) continue
        expect(after.allowance + after.heldAllowance <= included).toBe(true)
        // What was charged was beyond everything that was free to it.
        const given = after.allowance - (before?.allowance ?? 0n)
        const charged = after.used - (before?.used ?? 0n) - given
        const free = included - (before?.allowance ?? 0n) - (before?.heldAllowance ?? 0n) + own
        if (charged > 0n) expect(given).toBe(free)
      }
      for (const of of [...open]) await settle(of, (await isHeld(of))?.quantity ?? 0n, `end_${of}`)
      const settled = await counter()
      if (!settled) return
      expect([settled.held, settled.heldAllowance]).toEqual([0n, 0n])
      const all = settled.used < included ? settled.used : included
      if (gaveBack) expect(settled.allowance <= all).toBe(true)
      else expect(settled.allowance).toBe(all)
      await one(usage(accountId, 'rest', included))
      expect(await counter()).toMatchObject({ allowance: included })
    }),
    { numRuns: 200 },
  )
})
