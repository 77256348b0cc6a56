import { expect, it } from 'vitest'
import { newlyWaiting } from '../../src/adapters/kit/waiting.js'
import { createDeliveryQueue, type Parcel } from '../../src/adapters/memory/delivery-queue.js'

const any = () => true

function delivery(number: number, dueAt: number, minute = number) {
  return {
    told: {
      id: `dlv_${number}`,
      accountId: 'acct_1',
      destination: 'meters',
      kind: 'metering' as const,
      meter: 'ai_tokens',
      periodStartsAt: 0,
      sparks: 1n,
      occurredAt: minute * 60_000,
      entryIds: [],
    },
    event: null,
    waiting: newlyWaiting(0, dueAt),
  }
}

const idsOf = (parcels: readonly Parcel[]) => parcels.map(({ id, rows }) => `${id} (${rows.length})`)

it('C4 hands out what is due in the order it came, and what was put back when it is due again', () => {
  const queue = createDeliveryQueue()
  for (const [number, dueAt] of [
    [1, 50],
    [2, 10],
    [3, 10],
    [4, 99],
  ] as const)
    queue.add(delivery(number, dueAt))
  queue.add(delivery(5, 10, 2))
  const take = (at: number, limit = 9, early = false) => queue.take({ at, limit, early, isWanted: any })
  expect(idsOf(take(5))).toEqual([])
  const [second] = take(20, 1)
  expect(second && idsOf([second])).toEqual(['dlv_2 (2)'])
  if (second) queue.putBack(second, 60)
  expect(idsOf(take(60))).toEqual(['dlv_1 (1)', 'dlv_2 (2)', 'dlv_3 (1)'])
  queue.add(delivery(6, 99, 2))
  expect(idsOf(take(60, 1, true))).toEqual(['dlv_4 (1)'])
  expect(idsOf(take(60, 9, true))).toEqual(['dlv_6 (1)'])
})

it('C4 a look into it costs what is taken out, however much waits', () => {
  const queue = createDeliveryQueue()
  for (let number = 0; number < 100_000; number += 1) queue.add(delivery(number, number < 1_000 ? 0 : 1_000_000))
  const began = performance.now()
  let taken = 0
  for (let turn = 0; turn < 1_100; turn += 1)
    taken += queue.take({ at: 1, limit: 1, early: false, isWanted: any }).length
  expect(taken).toBe(1_000)
  // Looking at all of it each time takes seconds.
  expect(performance.now() - began).toBeLessThan(500)
})
