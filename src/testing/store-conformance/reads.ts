import { dayMs } from '../../core/domain/zone.js'
import type { EntryPage, UsageFilter } from '../../core/ports/store.js'
import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import { adjust, amend, capture, expectApplied, grant, hold, million, setBudget, usage } from './commands.js'
import type { StoreCase, World } from './world.js'

/** Reads that pick among rows: usage by what it was for, rows that correct others, budgets by scope. */
export const readCases: readonly StoreCase[] = [
  {
    name: 'S3.8 reads: usage is picked without what corrects it and what is no usage',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      expectApplied(await world.commit([grant('a', 'g', 9n * million), usage('a', '1', 5n), usage('b', '2', 5n)]))
      expectApplied(await world.commit([amend('a', '1', 'usage_1', 3n), hold('a', 'h', 4n), adjust('a', '1', 7n)]))
      expectApplied(await world.commit([capture('a', 'c', 'hold_h', 4n), usage('a', '3', 5n)]))
      expectEqual(await idsOf(world, {}), ['usage_3', 'capture_c', 'usage_1'], 'the usage')
    },
  },
  {
    name: 'S3.8 reads: usage is picked by meter, model, dimension and cost, whatever is in their text',
    async run(world) {
      await world.accounts('credits', 'a')
      const odd = `a"b'c.d $ \\ %`
      const dimensions = { [odd]: odd, feature: 'chat' }
      expectApplied(
        await world.commit([
          usage('a', '1', 1n, { rated: { dimensions } }),
          usage('a', '2', 1n, { rated: { meter: 'storage', model: odd } }),
          usage('a', '3', 1n, { rated: { model: 'm', costUsd: '0', dimensions: { feature: 'search' } } }),
        ]),
      )
      expectEqual(await idsOf(world, { meter: 'storage' }), ['usage_2'], 'by meter')
      expectEqual(await idsOf(world, { model: odd }), ['usage_2'], 'by model')
      expectEqual(await idsOf(world, { dimension: { name: odd, value: odd } }), ['usage_1'], 'by an odd dimension')
      expectEqual(await idsOf(world, { dimension: { name: 'feature', value: 'search' } }), ['usage_3'], 'by dimension')
      expectEqual(await idsOf(world, { dimension: { name: 'chat', value: 'feature' } }), [], 'by what no row has')
      expectEqual(await idsOf(world, { withCost: true }), ['usage_3'], 'with a cost')
      expectEqual(await idsOf(world, { model: 'm', meter: 'storage' }), [], 'by both')
    },
  },
  {
    name: 'S3.8 reads: usage is picked by when it was recorded, a page at a time',
    needs: 'clock',
    async run(world) {
      await world.accounts('credits', 'a')
      const begins = world.now()
      for (let day = 0; day < 6; day += 1) {
        expectApplied(await world.commit([usage('a', `${day}`, 1n), usage('a', `${day}.5`, 1n)]))
        await world.pass(dayMs)
      }
      const span = { recordedFrom: begins + 2 * dayMs, recordedTo: begins + 4 * dayMs }
      expectEqual(await idsOf(world, span), ['usage_3.5', 'usage_3', 'usage_2.5', 'usage_2'], 'two days')
      const first = await world.store.ledger.entries('a', { limit: 3, usage: span })
      const next = { before: first.at(-1)?.cursor ?? '' }
      expectEqual(await idsOf(world, span, next), ['usage_2'], 'the second page')
      expectEqual((await idsOf(world, { recordedFrom: begins + 1 })).length, 10, 'all but the first day')
      expectEqual(await idsOf(world, { recordedTo: begins }), [], 'before the first day')
    },
  },
  {
    name: 'S3.10 reads: rows that correct others are found by those, oldest first, within their account',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      const first = [usage('a', '1', 5n), usage('a', '2', 5n), usage('b', '3', 5n)]
      expectApplied(await world.commit([...first, grant('a', 'g', million)]))
      expectApplied(await world.commit([amend('a', '2', 'usage_2', 1n), amend('a', '1', 'usage_1', 1n)]))
      expectApplied(await world.commit([amend('a', '3', 'usage_1', null), amend('b', '4', 'usage_3', 1n)]))
      const of = async (accountId: string, ids: readonly string[]) =>
        (await world.store.ledger.corrections(accountId, ids)).map(({ id }) => id)
      expectEqual(await of('a', ['usage_1', 'usage_2', 'grant_g']), ['amend_2', 'amend_1', 'amend_3'], 'all of them')
      expectEqual(await of('a', ['usage_2']), ['amend_2'], 'those of one row')
      expectEqual(await of('a', ['usage_3']), [], 'those of a row of another account')
      expectEqual(await of('a', []), [], 'those of no row')
    },
  },
  {
    name: 'S3.11 reads: rows are picked by command, by grant to the letter, by hold, and with what corrects them',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      // One grant's id is the beginning of the other's.
      expectApplied(await world.commit([grant('a', 'g', 3n), grant('a', 'g.2', 9n * million), grant('b', 'g', 5n)]))
      expectApplied(await world.commit([usage('a', '1', 5n), usage('b', '1', 5n), hold('a', 'h', 4n)]))
      expectApplied(await world.commit([capture('a', 'c', 'hold_h', 4n), amend('a', '1', 'usage_1', 4n)]))
      const of = async (page: Partial<EntryPage>) =>
        (await world.store.ledger.entries('a', { limit: 100, ...page })).map(({ id }) => id)
      expectEqual(await of({ operation: 'grant' }), ['grant_g.2', 'grant_g'], 'the grants')
      expectEqual(await of({ grantId: 'grant_g' }), ['usage_1', 'grant_g'], 'the rows of the first grant')
      expectEqual(
        await of({ grantId: 'grant_g.2' }),
        ['amend_1', 'capture_c', 'usage_1', 'grant_g.2'],
        'the rows of the second one',
      )
      expectEqual(await of({ grantId: 'grant' }), [], 'the rows of no grant')
      expectEqual(await of({ usage: { holdId: 'hold_h' } }), ['capture_c'], 'the rows of the hold')
      expectEqual(await of({ usage: { withCorrections: true } }), ['amend_1', 'capture_c', 'usage_1'], 'all usage')
    },
  },
  {
    name: 'S3.10 reads: a grant, a payment, a delivery and an event are their account’s, also when they are over',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.store.outbox.subscribe('app', ['credit.granted'])
      const payment = { id: 'chk_1', nanos: 7n, currency: 'USD' }
      expectApplied(await world.commit([grant('a', 'g', million, { payment }), usage('a', '1', 3n * million)], telling))
      const { ledger, outbox } = world.store
      const ofGrant = async (account: string) => (await ledger.grant(account, 'grant_g'))?.remaining
      expectEqual([await ofGrant('a'), await ofGrant('b')], [0n, undefined], 'what is left of the grant')
      const ofPayment = async (account: string) => (await ledger.payment(account, 'chk_1'))?.grantId
      expectEqual([await ofPayment('a'), await ofPayment('b')], ['grant_g', undefined], 'what the payment bought')
      const ofEvent = async (account: string) => (await outbox.event(account, 'evt_grant_g'))?.type
      expectEqual([await ofEvent('a'), await ofEvent('b')], ['credit.granted', undefined], 'the event')
      const id = 'dlv_meters_usage_1'
      const waiting = await outbox.delivery('a', id)
      expectEqual([waiting?.status, waiting?.sparks, waiting?.attempts], ['pending', 3n, 0], 'the delivery')
      expectEqual(waiting?.entries, [await ledger.entry('a', 'usage_1')], 'its rows')
      const [claimed] = await outbox.claim('meters', { limit: 1, leaseMs: 60_000, early: true })
      const settlement = { id, fence: claimed?.fence ?? 0, retryInMs: null, mayHaveArrived: true, event: null }
      await outbox.settle([{ ...settlement, status: 'parked', error: 'too old' }])
      const parked = await outbox.delivery('a', id)
      expectEqual([parked?.status, parked?.error, parked?.attempts], ['parked', 'too old', 1], 'the delivery after it')
      expectEqual(await outbox.delivery('b', id), null, 'the delivery, asked for by another account')
      const told = await outbox.delivery('a', 'dlv_app_evt_grant_g')
      expectEqual([told?.kind, told?.event?.id], ['event', 'evt_grant_g'], 'the delivery of the event')
    },
  },
  {
    name: 'S2.6 S3.10 reads: budgets are listed by scope, a page at a time, without those that were taken away',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      const scopes = ['user=z', 'account', 'api_key=Ä', 'api_key=a', 'api_key=B', 'user=🙂', 'user=\uffee']
      expectApplied(await world.commit(scopes.map((scope, index) => setBudget('a', String(index), scope, 5n))))
      expectApplied(await world.commit([setBudget('a', 'gone', 'user=z', null), setBudget('b', '1', 'account', 7n)]))
      const page = async (after?: string) => {
        const rows = await world.store.ledger.budgets('a', { limit: 4, ...(after === undefined ? {} : { after }) })
        return rows.map(({ scope }) => scope)
      }
      expectEqual(await page(), ['account', 'api_key=B', 'api_key=a', 'api_key=Ä'], 'the first page')
      expectEqual(await page('api_key=Ä'), ['user=\uffee', 'user=🙂'], 'the second page')
      expectEqual((await world.store.ledger.budget('b', 'account'))?.limitSparks, 7n, 'that of the other account')
      expectEqual(await world.store.ledger.budget('a', 'user=z'), null, 'one that was taken away')
      expectEqual(await world.store.ledger.budget('none', 'account'), null, 'one of an unknown account')
    },
  },
  {
    name: 'S2.6 reads: a budget counts no holds that are over, and begins anew in its next period, swept or not',
    needs: 'clock',
    async run(world) {
      await world.accounts('credits', 'a')
      const budgets = ['account']
      const set = { ...setBudget('a', 'b', 'account', 100n), interval: 'day' } as const
      expectApplied(await world.commit([grant('a', 'g', 90n), set, usage('a', '1', 5n, { budgets })]))
      expectApplied(await world.commit([hold('a', 'h', 20n, { budgets, ttlMs: 60_000 })]))
      const read = async () => {
        const budget = await world.store.ledger.budget('a', 'account')
        return [budget?.used, budget?.held]
      }
      expectEqual(await read(), [5n, 20n], 'used and held')
      await world.pass(60_000)
      expectEqual(await read(), [5n, 0n], 'used and held after the hold')
      await world.pass(dayMs)
      expectEqual(await read(), [0n, 0n], 'used and held on the next day')
    },
  },
]

async function idsOf({ store }: World, filter: UsageFilter, page: Partial<EntryPage> = {}): Promise<readonly string[]> {
  const rows = await store.ledger.entries('a', { limit: 100, ...page, usage: filter })
  return rows.map(({ id }) => id)
}
