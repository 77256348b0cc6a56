import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import { adjust, amend, capture, expectApplied, grant, hold, million, release, setBudget, usage } from './commands.js'
import type { StoreCase } from './world.js'

/** The books verified by the store itself. */
export const verificationCases: readonly StoreCase[] = [
  {
    name: 'S3.11 verification: books of which nothing was ever written have nothing wrong',
    async run({ store }) {
      const nothing = { checked: { accounts: 0, entries: 0 }, findings: [] }
      expectEqual(await store.ledger.verify({ limit: 10 }), nothing, 'the empty books')
      expectEqual(await store.ledger.verify({ limit: 10, accountId: 'a' }), nothing, 'the books of nobody')
    },
  },
  {
    name: 'S3.11 verification: clean books have no findings, and are counted',
    async run(world) {
      await world.accounts('allowance', 'a', 'b')
      expectApplied(
        await world.commit([grant('a', 'g', 9n * million), setBudget('a', 'b', 'account', 9n * million)], telling),
      )
      const rated = { meter: 'storage', model: 'm', costUsd: '0.25', dimensions: { 'an odd "name" \\n': 'a\\b "c" d' } }
      expectApplied(await world.commit([usage('a', '1', 5n, { rated }), hold('a', 'h', 4n)], telling))
      expectApplied(await world.commit([amend('a', '1', 'usage_1', 3n), capture('a', 'c', 'hold_h', 4n)], telling))
      expectApplied(await world.commit([hold('a', 'i', 7n), usage('b', '2', 2n * million)], telling))
      expectApplied(await world.commit([release('a', 'r', 'hold_i'), adjust('b', 'x', 5n * million)], telling))
      const checked = await world.store.ledger.verify({ limit: 10 })
      expectEqual(checked.findings, [], 'what is wrong with clean books')
      expectEqual(checked.checked, { accounts: 2, entries: 7 }, 'what was checked')
      const one = await world.store.ledger.verify({ limit: 10, accountId: 'b' })
      expectEqual(one, { checked: { accounts: 1, entries: 2 }, findings: [] }, 'the books of one account')
    },
  },
]
