import { expect, it } from 'vitest'
import { type BillingEvent, eventDeliveries } from '../../../src/core/domain/event.js'
import { changePlan, grant, usage } from '../../../src/testing/store-conformance/commands.js'
import { accountId, catalog, million, openWorld } from './world.js'

async function reported(world: Awaited<ReturnType<typeof openWorld>>) {
  const claimed = await world.store.outbox.claim('meters', { limit: 10, leaseMs: 60_000, early: true })
  return claimed.map(({ sparks }) => sparks)
}

it('S1.1 what is to be collected is told by the plan the usage was on, not by one that follows in the same batch', async () => {
  const down = await openWorld('postpaid')
  await down.one(grant(accountId, 'g', 50n * million))
  await down.commit(usage(accountId, 'u', 250n * million), changePlan(accountId, 'p', 'free'))
  expect(await reported(down)).toEqual([100n])

  const up = await openWorld('free')
  await up.one(grant(accountId, 'g', 50n * million))
  await up.commit(usage(accountId, 'u', 50n * million), changePlan(accountId, 'p', 'postpaid'))
  expect(await reported(up)).toEqual([50n])
})

it('deliveries of different consumers and accounts never have one id', () => {
  const event = (id: string): BillingEvent => ({
    id,
    type: 'quota.near',
    accountId: 'x',
    occurredAt: 0,
    data: {},
  })
  const types = new Set(['quota.near'])
  const consumers = new Map(['a', 'a_evt', 'a_evt_foo'].map((name) => [name, types]))
  const events = ['evt_foo|m|0|1', 'evt_evt_foo|m|0|1', 'evt_foo|m|0|2'].map(event)
  const ids = eventDeliveries(events, consumers).map(({ id }) => id)
  expect(new Set(ids).size).toBe(9)
})

it('a delivery to a provider has a plain id of at most 100 characters that no other one has', async () => {
  const { store } = await openWorld('free')
  const longest = `p${'x'.repeat(29)}`
  const rules = { catalog, metering: ['p', 'p_use', longest], tracing: [], collecting: 'p' }
  const id = `use_${'0'.repeat(36)}`
  // In minutes of their own: those of one minute are reported as one.
  const commands = [id, `use_${id}`].map((name, index) => ({
    ...usage(accountId, name, million, { occurredAt: Date.UTC(2026, 0, 1, 0, index) }),
    id: name,
  }))
  for (const command of commands) await store.ledger.commit([command], rules)
  const claims = await Promise.all(
    ['p', 'shadow:p_use', `shadow:${longest}`].map((to) =>
      store.outbox.claim(to, { limit: 9, leaseMs: 1_000, early: true }),
    ),
  )
  const ids = claims.flat().map((delivery) => delivery.id)
  expect([ids.length, new Set(ids).size]).toEqual([6, 6])
  for (const each of ids) expect(each).toMatch(/^[A-Za-z0-9._:-]{1,100}$/)
})
