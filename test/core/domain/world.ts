import { type Catalog, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { billingEventTypes } from '../../../src/core/domain/event.js'
import type { LedgerCommand } from '../../../src/core/domain/ledger/command.js'
import type { LedgerOutcome } from '../../../src/core/domain/ledger/outcome.js'
import type { LedgerRules } from '../../../src/core/domain/ledger/state.js'

export const accountId = 'a'
export const million = 1_000_000n

const rate = { mode: 'per_unit', sparks: '1', per: '1' } as const

/** A plan for each way to meet a limit; every unit of a meter is counted as one Spark by the commands of these tests. */
export const catalog = defineCatalog({
  meters: { ai_tokens: { rate }, storage: { rate } },
  plans: {
    free: {},
    included: { price: { amount: '10' }, meters: { ai_tokens: { included: '1000' } } },
    larger: { price: { amount: '20' }, meters: { ai_tokens: { included: '2000' } } },
    capped: { price: { amount: '30' }, meters: { ai_tokens: { limit: '100' } } },
    postpaid: { price: { amount: '40' }, overage: true, meters: { ai_tokens: { included: '100' } } },
  },
})

/** One account on a memory store whose clock is moved by hand. */
export async function openWorld(plan: string, options: { readonly at?: string; readonly catalog?: Catalog } = {}) {
  let now = Date.parse(options.at ?? '2026-11-21T00:00:00Z')
  const store = memoryStore({ now: () => now })
  const rules: LedgerRules = {
    catalog: options.catalog ?? catalog,
    metering: ['meters'],
    tracing: [],
    collecting: 'meters',
  }
  await store.accounts.ensure({ id: accountId, email: null, name: null, plan })
  await store.outbox.subscribe('app', billingEventTypes)
  const commit = (...commands: LedgerCommand[]) => store.ledger.commit(commands, rules)
  const snapshot = async () => {
    const found = await store.ledger.snapshot(accountId)
    if (!found) throw new Error('the account is missing')
    return found
  }
  return {
    store,
    commit,
    snapshot,
    one: async (command: LedgerCommand) => (await commit(command))[0] as LedgerOutcome,
    account: async () => (await snapshot()).account,
    counter: async (meter = 'ai_tokens') => (await snapshot()).counters.find((each) => each.meter === meter),
    /** The types of the quota events since the last call, with the state they tell. */
    async told() {
      const claimed = await store.outbox.claim('consumer:app', { limit: 100, leaseMs: 86_400_000_000 })
      return claimed.flatMap(({ event }) => (event?.type.startsWith('quota.') ? [[event.type, event.data.status]] : []))
    },
    at(moment: string) {
      now = Date.parse(moment)
    },
    advance(ms: number) {
      now += ms
    },
  }
}
