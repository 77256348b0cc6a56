import type { Counter } from '../../core/domain/ledger/state.js'
import { expectEqual } from '../conformance.js'
import {
  applied,
  authorize,
  capture,
  changePlan,
  expectApplied,
  expectRefused,
  expire,
  grant,
  hold,
  million,
  release,
  usage,
} from './commands.js'
import { required, type StoreCase, type World } from './world.js'

const dayMs = 86_400_000

/** Counters: use of a meter in a period, whichever period an event belongs to. */
export const counterCases: readonly StoreCase[] = [
  {
    name: 'S0.6 counters: use of every meter is counted apart, over batches, with status and numbers of its events',
    async run(world) {
      await world.accounts('capped', 'a')
      await world.store.outbox.subscribe('app', ['quota.near', 'quota.reached', 'quota.throttled', 'quota.restored'])
      await world.commit([usage('a', '1', 8n * million), usage('a', '2', 5n, { rated: { meter: 'storage' } })])
      await world.one(usage('a', '3', 1n))
      const near = await counterOf(world, 'ai_tokens')
      expectEqual([near.used, near.status, near.transitions], [8n * million + 1n, 'near_quota', 1], 'near the limit')
      await world.commit([usage('a', '4', 2n * million), grant('a', 'g', 20n * million), authorize('a', 1n)])
      const over = await counterOf(world, 'ai_tokens')
      expectEqual(
        [over.used, over.status, over.transitions, over.throttledAttempts],
        [10n * million + 1n, 'throttled', 3, 1],
        'over the limit',
      )
      await world.one(changePlan('a', 'p', 'unlimited'))
      const free = await counterOf(world, 'ai_tokens')
      expectEqual([free.used, free.status, free.transitions], [10n * million + 1n, 'below_quota', 4], 'without a limit')
      expectEqual((await counterOf(world, 'storage')).used, 5n, 'the use of the other meter')
      const told = await world.store.outbox.claim('consumer:app', { limit: 10, leaseMs: 60_000 })
      expectEqual(
        told.map(({ event }) => event?.type).sort(),
        ['quota.near', 'quota.reached', 'quota.restored', 'quota.throttled'],
        'the events',
      )
    },
  },
  {
    name: 'counters: usage counts in the period it happened in, however late it is told, and a period’s end is not in it',
    async run(world) {
      await world.accounts('credits', 'a')
      const usedBy = async (key: string, occurredAt: number) => {
        const result = applied(await world.one(usage('a', key, million, { occurredAt })))
        return result.kind === 'usage' && [result.quota.periodStartsAt, result.quota.resetsAt, result.quota.used]
      }
      const [february, march, april] = [1, 2, 3].map((month) => Date.UTC(2020, month, 1)) as [number, number, number]
      expectEqual(await usedBy('1', march), [march, april, million], 'the first moment of March')
      expectEqual(await usedBy('2', march - 1), [february, march, million], 'the last moment of February')
      expectEqual(await usedBy('3', april - 1), [march, april, 2n * million], 'the last moment of March')
      expectEqual(await usedBy('4', february), [february, march, 2n * million], 'the first moment of February')
      expectEqual((await world.snapshot('a')).counters, [], 'the counters of the period that contains now')
      await world.one(usage('a', '5', 3n))
      expectEqual((await counterOf(world, 'ai_tokens')).used, 3n, 'the use of the period that contains now')
      expectEqual(await usedBy('6', february + dayMs), [february, march, 3n * million], 'February, once more')
    },
  },
  {
    name: 'counters: events of several periods in one batch count in each of them',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      const at = (month: number, day: number) => ({ occurredAt: Date.UTC(2020, month, day) })
      const outcomes = await world.commit([
        usage('a', '1', 1n, at(0, 5)),
        usage('a', '2', 10n, at(1, 5)),
        usage('b', '3', 100n, at(0, 5)),
        usage('a', '4', 1_000n, at(0, 6)),
        usage('a', '5', 10_000n, at(1, 6)),
        usage('a', '6', 100_000n),
      ])
      expectEqual(usedIn(outcomes), [1n, 10n, 100n, 1_001n, 10_010n, 100_000n], 'what each answered as used')
      const later = await world.commit([
        usage('a', '7', 1n, at(1, 7)),
        usage('b', '8', 1n, at(0, 7)),
        usage('a', '9', 1n),
      ])
      expectEqual(usedIn(later), [10_011n, 101n, 100_001n], 'what a later batch answered as used')
    },
  },
  {
    name: 'S0.6 counters: a new period counts from nothing, says so once, and leaves the old one as it was',
    needs: 'clock',
    async run(world) {
      await world.accounts('capped', 'a')
      await world.store.outbox.subscribe('app', ['quota.reset'])
      await world.commit([usage('a', '1', 9n * million), usage('a', '2', 1n, { rated: { meter: 'storage' } })])
      const may = world.now()
      await world.pass(30 * dayMs)
      expectEqual((await world.snapshot('a')).counters, [], 'the counters of a period in which nothing was used')
      await world.commit([
        usage('a', '3', million),
        usage('a', '4', million),
        usage('a', '5', 2n, { rated: { meter: 'storage' } }),
      ])
      const counter = await counterOf(world, 'ai_tokens')
      expectEqual(
        [counter.startsAt, counter.endsAt, counter.used, counter.status],
        [Date.UTC(2026, 5, 1), Date.UTC(2026, 6, 1), 2n * million, 'below_quota'],
        'the counter of the new period',
      )
      const told = await world.store.outbox.claim('consumer:app', { limit: 10, leaseMs: 60_000 })
      expectEqual(
        told.map(({ event }) => [event?.type, event?.data.meter]),
        [['quota.reset', 'ai_tokens']],
        'the events',
      )
      const late = applied(await world.one(usage('a', '6', million, { occurredAt: may })))
      expectEqual(late.kind === 'usage' && late.quota.used, 10n * million, 'the use of the old period')
      expectEqual((await counterOf(world, 'ai_tokens')).used, 2n * million, 'the use of the new period')
    },
  },
  {
    name: 'S0.6 counters: what was throttled while units and credits were held is restored when they are given back',
    async run(world) {
      await world.accounts('capped', 'a')
      await world.store.outbox.subscribe('app', ['quota.restored'])
      const storage = { rated: { meter: 'storage' } }
      await world.commit([grant('a', 'g', 30n * million), usage('a', 'u', 1n, storage)])
      const ends = [
        release('a', 'r', 'hold_1'),
        usage('a', 'c', 1n, { holdId: 'hold_2' }),
        expire('a'),
        // Credits alone are held by this one: the meter is not named by what ends it.
        capture('a', 'd', 'hold_4', 1n),
      ]
      for (const [index, end] of ends.entries()) {
        const key = String(index + 1)
        const units = key === '4' ? (await world.state('a')).balance : 9n * million
        const ttlMs = key === '3' ? 500 : 3_600_000
        await world.one(hold('a', key, units, key === '4' ? {} : { meter: 'ai_tokens', ttlMs }))
        expectRefused(
          await world.one(authorize('a', 2n * million)),
          key === '4' ? 'insufficient_credits' : 'quota_exceeded',
        )
        expectEqual((await counterOf(world, 'ai_tokens')).status, 'throttled', `the status while hold ${key} is open`)
        if (key === '3') await world.pass(550)
        applied(await world.one(end))
        expectEqual((await counterOf(world, 'ai_tokens')).status, 'below_quota', `the status after hold ${key}`)
      }
      const told = await world.store.outbox.claim('consumer:app', { limit: 10, leaseMs: 60_000 })
      expectEqual(told.length, 4, 'how often it was told')
    },
  },
  {
    name: 'S0.6 counters: a period that begins with a hold says so once',
    needs: 'clock',
    async run(world) {
      await world.accounts('capped', 'a')
      await world.store.outbox.subscribe('app', ['quota.reset'])
      await world.commit([grant('a', 'g', 30n * million), usage('a', '1', 9n * million)])
      await world.pass(30 * dayMs)
      await world.one(hold('a', 'h', million, { meter: 'ai_tokens' }))
      await world.one(usage('a', '2', million, { holdId: 'hold_h' }))
      const told = await world.store.outbox.claim('consumer:app', { limit: 10, leaseMs: 60_000 })
      expectEqual(told.length, 1, 'how often it was told')
    },
  },
  {
    name: 'S0.6 counters: an anchor at the end of a month keeps its periods, whatever day a renewal names',
    needs: 'clock',
    async run(world) {
      await world.accounts('allowance', 'a')
      const anchor = Date.UTC(2026, 4, 31, 12)
      await world.pass(anchor - world.now())
      await world.one(changePlan('a', 'p', 'allowance', anchor))
      const renewed = Date.UTC(2026, 5, 30, 12)
      await world.pass(renewed - world.now() + 1)
      await world.one(usage('a', '1', 1n))
      await world.pass(60_000)
      await world.one(changePlan('a', 'q', 'allowance', renewed))
      await world.one(usage('a', '2', 1n))
      const counter = await counterOf(world, 'ai_tokens')
      expectEqual(
        [counter.startsAt, counter.endsAt, counter.used, (await world.state('a')).anchor],
        [renewed, Date.UTC(2026, 6, 31, 12), 2n, anchor],
        'the period, its use, and the anchor',
      )
    },
  },
  {
    name: 'counters: another anchor ends the period at once; no moment is in two periods, and late events find theirs',
    needs: 'clock',
    async run(world) {
      await world.accounts('credits', 'a')
      const first = world.now()
      await world.commit([usage('a', '1', 1n), usage('a', '2', 5n, { rated: { meter: 'storage' } })])
      await world.pass(2 * dayMs)
      const cut = world.now()
      await world.one(changePlan('a', 'p', 'allowance', cut))
      expectEqual((await world.state('a')).anchor, cut, 'the anchor')
      expectEqual((await world.snapshot('a')).counters, [], 'the counters that contain now')
      const used = async (key: string, occurredAt: number | null) => {
        const result = applied(await world.one(usage('a', key, 10n, { occurredAt })))
        return result.kind === 'usage' && [result.quota.periodStartsAt, result.quota.resetsAt, result.quota.used]
      }
      const [may, june, anchored] = [Date.UTC(2026, 4, 1), Date.UTC(2026, 5, 1), Date.UTC(2026, 5, 15, 12)]
      expectEqual(await used('3', null), [cut, anchored, 10n], 'the period from the anchor')
      expectEqual(await used('4', first), [may, cut, 11n], 'the period that was cut short')
      expectEqual(await used('5', cut - 1), [may, cut, 21n], 'its last moment')
      expectEqual(await used('6', cut), [cut, anchored, 20n], 'the first moment of the next')

      await world.pass(dayMs)
      const back = world.now()
      await world.one(changePlan('a', 'q', 'allowance', null))
      expectEqual((await world.state('a')).anchor, null, 'the anchor after it was taken away')
      expectEqual(await used('7', null), [back, june, 10n], 'the rest of the calendar month')
      expectEqual(await used('8', cut + 1), [cut, back, 30n], 'the period in between')
      expectEqual(await used('9', first), [may, cut, 31n], 'the first period')
      await world.one(changePlan('a', 'r', 'credits'))
      expectEqual(await used('10', null), [back, june, 20n], 'the period after a change of plan alone')
    },
  },
  {
    name: 'counters: a hold is captured in the period it was taken in, though another has begun',
    needs: 'clock',
    async run(world) {
      await world.accounts('capped', 'a')
      const longer = { meter: 'ai_tokens', ttlMs: 60 * dayMs }
      await world.commit([
        grant('a', 'g', 30n * million),
        hold('a', 'h', 6n * million, longer),
        hold('a', 'i', 3n * million, longer),
      ])
      const may = world.now()
      await world.pass(30 * dayMs)
      const settled = applied(await world.one(usage('a', '1', 5n * million, { holdId: 'hold_h' })))
      expectEqual(
        settled.kind === 'usage' && [settled.quota.used, settled.quota.held],
        [5n * million, 3n * million],
        'used and held in the old period',
      )
      const late = applied(await world.one(usage('a', '2', million, { occurredAt: may })))
      expectEqual(
        late.kind === 'usage' && [late.quota.used, late.quota.held],
        [6n * million, 3n * million],
        'and with late usage',
      )
      await world.pass(40 * dayMs)
      applied(await world.one(usage('a', '3', million, { occurredAt: may })))
      const last = applied(await world.one(usage('a', '4', million, { occurredAt: may })))
      expectEqual(last.kind === 'usage' && last.quota.held, 0n, 'held in the old period when the hold was over')
    },
  },
  {
    name: 'S3.10 counters: units held and used by one account bound no other',
    async run(world) {
      await world.accounts('capped', 'a', 'b')
      const meter = { meter: 'ai_tokens' }
      expectApplied(
        await world.commit([
          grant('a', '1', 30n * million),
          grant('b', '2', 30n * million),
          hold('a', 'h', 6n * million, meter),
          hold('b', 'i', 10n * million, meter),
          usage('a', 'u', 4n * million),
        ]),
      )
      expectRefused(await world.one(authorize('a', 1n)), 'quota_exceeded')
      expectEqual((await counterOf(world, 'ai_tokens', 'b')).held, 10n * million, 'the units held by the other')
    },
  },
]

async function counterOf(world: World, meter: string, accountId = 'a'): Promise<Counter> {
  const found = (await world.snapshot(accountId)).counters.filter((counter) => counter.meter === meter)
  expectEqual(found.length, 1, `how many counters of ${meter} contain now`)
  return required(found[0], `the counter of ${meter}`)
}

function usedIn(outcomes: Parameters<typeof expectApplied>[0]) {
  return outcomes.map((outcome) => {
    const result = applied(outcome)
    return result.kind === 'usage' ? result.quota.used : null
  })
}
