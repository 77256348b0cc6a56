import { expect, it } from 'vitest'
import type { LedgerOutcome } from '../../../src/core/domain/ledger/outcome.js'
import { grant, hold, usage } from '../../../src/testing/store-conformance/commands.js'
import { accountId, million, openWorld } from './world.js'

const meter = { meter: 'ai_tokens' }
const units = (count: number) => BigInt(count) * million
const take = (count: number, onExcess: 'debt' | 'write_off' | 'refuse') =>
  usage(accountId, 'c', units(count), { holdId: 'hold_h', onExcess })

function settledBy(outcome: LedgerOutcome) {
  return outcome.status === 'applied' && outcome.result.kind === 'usage' ? outcome.result.settledBy : outcome
}

it.each(['included', 'postpaid'])(
  'S2.3 more than was held is refused on the plan %s, though nothing of it would cost credits',
  async (plan) => {
    const { one, store } = await openWorld(plan)
    await one(hold(accountId, 'h', units(100), meter))
    const refusal = { status: 'refused', code: 'amount_out_of_range', details: { holdId: 'hold_h' } }
    expect(await one(take(101, 'refuse'))).toMatchObject(refusal)
    expect(await store.ledger.hold(accountId, 'hold_h')).toMatchObject({ status: 'open' })
    expect(await one(take(100, 'refuse'))).toMatchObject({ status: 'applied' })
  },
)

it('S2.3 the house bears what exceeds the hold, and neither allowance, credits nor the invoice do', async () => {
  const allowance = await openWorld('included')
  await allowance.one(hold(accountId, 'h', units(100), meter))
  expect(settledBy(await allowance.one(take(300, 'write_off')))).toEqual({
    allowance: units(100),
    written_off: units(200),
  })
  expect(await allowance.counter()).toMatchObject({ used: units(300), allowance: units(100) })
  const postpaid = await openWorld('postpaid')
  await postpaid.one(hold(accountId, 'h', units(150), meter))
  expect(settledBy(await postpaid.one(take(5_000, 'write_off')))).toEqual({
    allowance: units(100),
    'meter:meters': units(50),
    written_off: units(4_850),
  })
})

it('S2.3 a hold without units is compared by its Sparks, all of them', async () => {
  const costs = (sparks: number) => ({ rated: { quantity: 0n, sparks: units(sparks) } })
  const { one } = await openWorld('postpaid')
  await one(grant(accountId, 'g', units(10)))
  await one({
    ...hold(accountId, 'h', 0n),
    usage: { meter: 'ai_tokens', quantity: 0n, sparks: units(50), costUsd: null },
  })
  const capture = (sparks: number) =>
    usage(accountId, 'c', 0n, { holdId: 'hold_h', onExcess: 'refuse', ...costs(sparks) })
  expect(await one(capture(51))).toMatchObject({ code: 'amount_out_of_range' })
  expect(settledBy(await one(capture(50)))).toEqual({ credits: units(10), 'meter:meters': units(40) })
})

it('S2.3 at the held units a higher cost is an excess too', async () => {
  const { one } = await openWorld('free')
  await one(grant(accountId, 'g', units(1_000)))
  await one(hold(accountId, 'h', units(100), meter))
  const dearer = (onExcess: 'write_off' | 'refuse') =>
    usage(accountId, 'c', units(100), { holdId: 'hold_h', onExcess, rated: { sparks: units(130) } })
  expect(await one(dearer('refuse'))).toMatchObject({ code: 'amount_out_of_range' })
  expect(settledBy(await one(dearer('write_off')))).toEqual({ credits: units(100), written_off: units(30) })
})

it('a hold of more than can be stored is refused, though overage would pay for it', async () => {
  const { one, counter } = await openWorld('postpaid')
  const endless = { meter: 'ai_tokens', quantity: million, sparks: 2n ** 63n, costUsd: null }
  const outcome = await one({ ...hold(accountId, 'h', 0n), usage: endless })
  expect(outcome).toMatchObject({ status: 'refused', code: 'amount_out_of_range' })
  expect(await counter()).toBeUndefined()
})
