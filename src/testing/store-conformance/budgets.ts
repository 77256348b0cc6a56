import { expectEqual } from '../conformance.js'
import {
  authorize,
  capture,
  changeTerms,
  expectApplied,
  expectRefused,
  extend,
  grant,
  hold,
  million,
  release,
  setBudget,
  strict,
  usage,
} from './commands.js'
import type { StoreCase, World } from './world.js'

const dayMs = 86_400_000
const key = { budgets: ['account', 'api_key=k1'] }

/** Budgets: what an account, a key, a user or another dimension may be charged, checked with the debit. */
export const budgetCases: readonly StoreCase[] = [
  {
    name: 'S2.6 budgets: a request beyond the budget of its key is refused and leaves no trace, another key goes on',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'g', 100n * million), setBudget('a', 'b', 'api_key=k1', 5n * million)])
      expectApplied([await world.one({ ...strict('a', '1', 4n * million), ...key })])
      expectRefused(await world.one({ ...strict('a', '2', 2n * million), ...key }), 'quota_exceeded')
      expectRefused(await world.one({ ...authorize('a', 2n * million), ...key }), 'quota_exceeded')
      expectApplied([await world.one({ ...strict('a', '3', 2n * million), budgets: ['account', 'api_key=k2'] })])
      expectApplied([await world.one({ ...strict('a', '4', million), ...key })])
      expectRefused(await world.one({ ...strict('a', '5', 1n), ...key }), 'quota_exceeded')
      expectEqual((await world.state('a')).balance, 93n * million, 'the balance')
    },
  },
  {
    name: 'S2.6 budgets: usage that happened counts whatever the budget, and crossing it is told in order, once',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.store.outbox.subscribe('app', ['budget.near', 'budget.reached'])
      await world.commit([
        setBudget('a', 'b', 'account', 10n * million),
        usage('a', '1', 12n * million, { budgets: ['account'] }),
      ])
      await world.one(usage('a', '2', million, { budgets: ['account'] }))
      const told = await world.store.outbox.claim('consumer:app', { limit: 9, leaseMs: 60_000 })
      expectEqual(
        told.map(({ event }) => [event?.type, event?.data.usedSparks]),
        [
          ['budget.near', '12'],
          ['budget.reached', '12'],
        ],
        'the events',
      )
    },
  },
  {
    name: 'S2.6 budgets: holds reserve their budgets, and give back what they do not take',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'g', 100n * million), setBudget('a', 'b', 'api_key=k1', 10n * million)])
      expectApplied([await world.one(hold('a', 'h', 8n * million, key))])
      expectRefused(await world.one({ ...strict('a', '1', 3n * million), ...key }), 'quota_exceeded')
      expectRefused(await world.one(extend('a', 'x', 'hold_h', 3n * million)), 'quota_exceeded')
      expectApplied([await world.one(extend('a', 'y', 'hold_h', 2n * million))])
      expectApplied([await world.one(capture('a', 'c', 'hold_h', 4n * million))])
      expectApplied([await world.one({ ...strict('a', '2', 6n * million), ...key })])
      expectRefused(await world.one({ ...strict('a', '3', 1n), ...key }), 'quota_exceeded')
      expectApplied([await world.one(hold('a', 'i', 1n))])
      expectApplied([await world.one(release('a', 'r', 'hold_i'))])
    },
  },
  {
    name: 'S2.6 budgets: a budget begins anew with its period, by the store’s clock',
    needs: 'clock',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'g', 100n * million), setBudget('a', 'b', 'account', 5n * million, 'day')])
      const spend = (id: string) => world.one({ ...strict('a', id, 4n * million), budgets: ['account'] })
      expectApplied([await spend('1')])
      expectRefused(await spend('2'), 'quota_exceeded')
      await world.pass(dayMs)
      expectApplied([await spend('3')])
    },
  },
  {
    name: 'S2.6 budgets: a limit that is raised lets through, and one that is taken away refuses nothing',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'g', 100n * million), setBudget('a', '1', 'account', million, 'never')])
      const spend = (id: string) => world.one({ ...strict('a', id, 2n * million), budgets: ['account'] })
      expectRefused(await spend('1'), 'quota_exceeded')
      await world.one(setBudget('a', '2', 'account', 2n * million, 'never'))
      expectApplied([await spend('2')])
      expectRefused(await spend('3'), 'quota_exceeded')
      await world.one(setBudget('a', '3', 'account', null, 'never'))
      expectApplied([await spend('4')])
    },
  },
  {
    name: 'S2.5 budgets: a top-up is asked for when credits run low, once until something is added',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.store.outbox.subscribe('app', ['top_up.due'])
      const autoTopUp = { threshold: 5n * million, package: 'starter', maximumPerDay: 2 }
      await world.commit([grant('a', 'g', 10n * million), changeTerms('a', 't', { autoTopUp })])
      expectEqual(await topUps(world), 0, 'how many were asked for with enough')
      await world.commit([usage('a', '1', 6n * million), usage('a', '2', million)])
      expectEqual(await topUps(world), 1, 'how many after it fell below')
      await world.one(grant('a', 'h', 10n * million))
      await world.one(usage('a', '3', 12n * million))
      expectEqual(await topUps(world), 1, 'how many after it fell again')
      await world.one(grant('a', 'i', 10n * million))
      await world.one(usage('a', '4', 9n * million))
      expectEqual(await topUps(world), 0, 'how many beyond the limit of the day')
      expectEqual((await world.state('a')).autoTopUp?.askedAt.length, 2, 'how many are remembered')
    },
  },
  {
    name: 'S4.3 terms: what was agreed with an account stands in the place of its plan’s limits',
    async run(world) {
      await world.accounts('capped', 'a')
      await world.one(grant('a', 'g', 100n * million))
      expectRefused(await world.one(strict('a', '1', 11n * million)), 'quota_exceeded')
      const terms = { entitlements: { ai_tokens: { limit: 20n * million } }, rates: {}, features: { sso: true } }
      await world.one(changeTerms('a', 't', { terms }))
      expectApplied([await world.one(strict('a', '2', 11n * million))])
      expectEqual((await world.state('a')).terms, terms, 'the terms as they were agreed')
      await world.one(changeTerms('a', 'u', { terms: null }))
      expectRefused(await world.one(strict('a', '3', 1n)), 'quota_exceeded')
    },
  },
  {
    name: 'S4.3 terms: a price that was agreed with an account is what it pays',
    async run(world) {
      await world.accounts('credits', 'a')
      const half = {
        mode: 'per_unit',
        sparks: { coefficient: 5n, scale: 1 },
        per: { coefficient: 1n, scale: 0 },
      } as const
      await world.one(changeTerms('a', 't', { terms: { entitlements: {}, rates: { ai_tokens: half }, features: {} } }))
      await world.one(usage('a', '1', 10n * million))
      expectEqual((await world.state('a')).balance, -5n * million, 'the balance')
    },
  },
]

async function topUps({ store }: World): Promise<number> {
  const told = await store.outbox.claim('consumer:app', { limit: 9, leaseMs: 3_600_000 })
  return told.length
}
