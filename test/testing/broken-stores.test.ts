import { memoryStore } from 'billfold/adapters/memory'
import { type StoreConformanceSubject, storeConformance } from 'billfold/testing'
import { describe, expect, it } from 'vitest'

type Options = Parameters<StoreConformanceSubject['open']>[0]
type Store = ReturnType<typeof memoryStore>
type Ledger = Store['ledger']

function subjectOf(broken: (store: Store, options: Options) => Store): StoreConformanceSubject {
  const open = async (options: Options) => broken(memoryStore(options), options)
  return { clock: 'given', open, second: async (store) => store }
}

/** The name of the first case that a store does not pass; `null` when it passes all. */
async function failureOf(subject: StoreConformanceSubject): Promise<string | null> {
  for (const { name, skip, run } of storeConformance(subject)) {
    if (skip !== undefined) continue
    try {
      await run()
    } catch {
      return name
    }
  }
  return null
}

const withLedger = (change: (ledger: Ledger) => Partial<Ledger>) => (store: Store) => ({
  ...store,
  ledger: { ...store.ledger, ...change(store.ledger) },
})

/** Ways in which a store can be nearly right: each loses, repeats or mixes up one thing. */
const mistakes: Readonly<Record<string, (store: Store, options: Options) => Store>> = {
  'forgets keys': withLedger((ledger) => {
    let count = 0
    return {
      commit: (commands, rules) =>
        ledger.commit(
          commands.map((command) => {
            count += 1
            return 'dedupe' in command ? { ...command, dedupe: count.toString(16).padStart(32, '0') } : command
          }),
          rules,
        ),
    }
  }),
  'takes a key for known whatever was asked under it': withLedger((ledger) => ({
    commit: (commands, rules) =>
      ledger.commit(
        commands.map((command) => ('fingerprint' in command ? { ...command, fingerprint: 'f'.repeat(32) } : command)),
        rules,
      ),
  })),
  'drops a sum of a day': withLedger((ledger) => ({
    rollups: async (...asked) => (await ledger.rollups(...asked)).slice(1),
  })),
  'has sums of the day after the last': withLedger((ledger) => ({
    rollups: (accountId, span) => ledger.rollups(accountId, { ...span, to: `${span.to}~` }),
  })),
  'loses the release of a hold': withLedger((ledger) => ({
    async hold(...asked) {
      const hold = await ledger.hold(...asked)
      return hold && { ...hold, release: null }
    },
  })),
  'names nobody who is due': withLedger(() => ({ due: async () => [] })),
  'goes on naming who was due once': withLedger((ledger) => {
    const named = new Set<string>()
    return {
      async due(limit) {
        for (const id of await ledger.due(limit)) named.add(id)
        return [...named].slice(0, limit)
      },
    }
  }),
  'commits half of a batch that fails': withLedger((ledger) => ({
    async commit(commands, rules) {
      try {
        return await ledger.commit(commands, rules)
      } catch (error) {
        for (const command of commands) await ledger.commit([command], rules).catch(() => {})
        throw error
      }
    },
  })),
  'commits the commands of a batch in another order': withLedger((ledger) => ({
    async commit(commands, rules) {
      return [...(await ledger.commit([...commands].reverse(), rules))].reverse()
    },
  })),
  'says that it has committed before it has': withLedger((ledger) => ({
    async commit(commands) {
      return commands.map(() => ({ status: 'applied', result: { kind: 'expire', expired: 0 } }) as const)
    },
    snapshot: ledger.snapshot,
  })),
  'shows holds of any account': withLedger((ledger) => {
    const accounts = new Set<string>()
    return {
      commit(commands, rules) {
        for (const { accountId } of commands) accounts.add(accountId)
        return ledger.commit(commands, rules)
      },
      async hold(_, holdId) {
        const found = await Promise.all([...accounts].map((id) => ledger.hold(id, holdId)))
        return found.find((hold) => hold !== null) ?? null
      },
    }
  }),
  'shows rows of any account': withLedger((ledger) => {
    const accounts = new Set<string>()
    return {
      commit(commands, rules) {
        for (const { accountId } of commands) accounts.add(accountId)
        return ledger.commit(commands, rules)
      },
      async entry(_, entryId) {
        const found = await Promise.all([...accounts].map((id) => ledger.entry(id, entryId)))
        return found.find((entry) => entry !== null) ?? null
      },
    }
  }),
  'mixes two accounts up': withLedger((ledger) => ({
    snapshot: async (accountId) => {
      const found = await ledger.snapshot(accountId)
      const other = found && (await ledger.snapshot('b'))
      return other ? { ...found, grants: other.grants } : found
    },
  })),
  'returns counters of another period': withLedger((ledger) => {
    const first = new Map<string, Awaited<ReturnType<Ledger['snapshot']>>>()
    return {
      async snapshot(accountId) {
        const found = await ledger.snapshot(accountId)
        if (!first.get(accountId)?.counters.length) first.set(accountId, found)
        return found && { ...found, counters: first.get(accountId)?.counters ?? [] }
      },
    }
  }),
  'keeps balances as floating point numbers': withLedger((ledger) => ({
    async snapshot(accountId) {
      const found = await ledger.snapshot(accountId)
      return found && { ...found, account: { ...found.account, balance: BigInt(Number(found.account.balance)) } }
    },
  })),
  'shows grants in no order': withLedger((ledger) => ({
    async snapshot(accountId) {
      const found = await ledger.snapshot(accountId)
      return found && { ...found, grants: [...found.grants].reverse() }
    },
  })),
  'loses the last row that corrects another': withLedger((ledger) => ({
    corrections: async (...asked) => (await ledger.corrections(...asked)).slice(0, -1),
  })),
  'begins every page of rows at the newest': withLedger((ledger) => ({
    entries: (accountId, { before: _, ...page }) => ledger.entries(accountId, page),
  })),
  'shows rows that moved nothing when they are not asked for': withLedger((ledger) => ({
    entries: (accountId, { movedOnly: _, ...page }) => ledger.entries(accountId, page),
  })),
  'forgets what holds reserve of a budget': withLedger((ledger) => ({
    async budget(...asked) {
      const budget = await ledger.budget(...asked)
      return budget && { ...budget, held: 0n }
    },
  })),
  'knows of nobody who is suspended': withLedger(() => ({ suspendedAmong: async () => [] })),
  'goes by the clock of the process': (store, options) => {
    const own = memoryStore()
    return options.now === undefined ? store : own
  },
  'hands deliveries out twice': (store) => {
    const again = new Map<string, Awaited<ReturnType<Store['outbox']['claim']>>>()
    return {
      ...store,
      outbox: {
        ...store.outbox,
        async claim(destination, options) {
          const claimed = await store.outbox.claim(destination, options)
          const before = again.get(destination) ?? []
          again.set(destination, claimed)
          return [...before, ...claimed]
        },
      },
    }
  },
  'lets a worker settle what it has lost': (store) => ({
    ...store,
    outbox: {
      ...store.outbox,
      settle: async (settlements) => {
        await store.outbox.settle(settlements)
        return settlements.map(({ id }) => id)
      },
    },
  }),
  'forgets who wants to be told': (store) => ({ ...store, outbox: { ...store.outbox, subscribe: async () => {} } }),
  'takes every webhook for a new one': (store) => ({
    ...store,
    inbox: {
      ...store.inbox,
      accept: async (event) => {
        await store.inbox.accept(event)
        return { created: true }
      },
    },
  }),
  'opens a sale anew for a known key': (store) => {
    let count = 0
    return {
      ...store,
      intents: {
        ...store.intents,
        open: (intent) => {
          count += 1
          return store.intents.open({ ...intent, key: `${intent.key}.${count}` })
        },
      },
    }
  },
  'shows a sale to any account': (store) => ({
    ...store,
    intents: { ...store.intents, get: (_, intentId) => store.directory.intentById(intentId) },
  }),
  'links an account to the last id a provider gives it': (store) => ({
    ...store,
    accounts: { ...store.accounts, link: async (_, __, externalId) => externalId },
  }),
}

describe('the conformance suite', () => {
  it('C5 S3.11 has at least 150 cases, all with different names', () => {
    const names = storeConformance(subjectOf((store) => store)).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThanOrEqual(150)
  })

  it('C5 S3.11 finds nothing to say about a store that is right', async () => {
    expect(await failureOf(subjectOf((store) => store))).toBeNull()
  })

  it.each(Object.entries(mistakes))('C5 S3.11 fails a store that %s', async (_, broken) => {
    expect(await failureOf(subjectOf(broken))).not.toBeNull()
  })
})
