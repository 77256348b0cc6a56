import { BillingError, createBilling, defineCatalog, type LedgerCommand, type Store } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type PostgresServer, startPostgres } from '../adapters/postgres-server.js'
import { accountsOf, type Books, list, postgresBooks, unbalanced } from './books.js'
import { counts } from './counts.js'
import { type Cut, type CutPlan, type CuttingProxy, startCuttingProxy } from './cutting-proxy.js'

vi.setConfig({ testTimeout: counts.timeoutMs })

const catalog = defineCatalog({ plans: { free: {} } })
const spark = 1_000_000n

let server: PostgresServer
let proxy: CuttingProxy
let books: Books
let schemas = 0
const cleanUp: (() => unknown)[] = []

beforeAll(async () => {
  server = await startPostgres()
})
beforeEach(async () => {
  proxy = await startCuttingProxy(server.connectionString)
  schemas += 1
  books = postgresBooks(server, `cut_${process.pid}_${schemas}`)
  cleanUp.push(() => books.close())
  cleanUp.push(() => proxy.close())
})
afterEach(async () => {
  proxy.plan(() => null)
  for (const step of cleanUp.splice(0).reverse()) await step()
})
afterAll(async () => {
  await server?.stop()
})

/** A service whose connections go through the proxy; `around` may look at what its lane asks of the store. */
function billingThroughProxy(around: (store: Store) => Store = (store) => store) {
  const where = { connectionString: proxy.connectionString, schema: `cut_${process.pid}_${schemas}` }
  const billing = createBilling({ catalog, store: around(postgresStore(where)), environment: { onError: () => {} } })
  cleanUp.push(() => billing.close())
  return billing
}

/** COMMITs of what writes; a transaction that only reads has nothing to lose. */
function isCommitOfWrites(sql: string, transaction: readonly string[]): boolean {
  return /^commit\b/i.test(sql) && !/read only/i.test(transaction[0] ?? '')
}

/** Which of these rows and holds are there, by id. */
async function idsThere(ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await books.query<{ id: string }>(
    `SELECT id FROM {ledger_entries} WHERE id IN (${list(ids)}) UNION SELECT id FROM {holds} WHERE id IN (${list(ids)})`,
  )
  return new Set(rows.map(({ id }) => id))
}

/** How often each key is there, as `account key`. */
async function keysThere(): Promise<ReadonlyMap<string, number>> {
  const rows = await books.query<{
    name: string
    count: number
  }>(`SELECT account_id || ' ' || key AS name, count(*)::int AS count
    FROM (SELECT account_id, key FROM {ledger_entries} UNION ALL SELECT account_id, key FROM {holds}) k GROUP BY name`)
  return new Map(rows.map(({ name, count }) => [name, count]))
}

/** What errors of the store said about transactions, where the database said otherwise. */
interface Watched {
  readonly lies: unknown[]
  /** Errors by outcome. */
  readonly errors: Record<string, number>
}

/** Compares what an attempt of `store.ledger.commit` says with what the database has, below the lane that sends it again. */
function watch(store: Store, cut: Cut, { lies, errors }: Watched): Store {
  async function look<T>(commands: readonly LedgerCommand[], attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt()
    } catch (error) {
      const { code, outcome } = BillingError.is(error) ? error : { code: String(error), outcome: 'none' }
      errors[outcome] = (errors[outcome] ?? 0) + 1
      const there = await idsThere(commands.map(({ id }) => id))
      const isThere = there.size > 0
      // Cut before, nothing of it can be there, whatever the error says; an answer that is known must not be called unknown.
      const isTrue = cut === 'before' ? !isThere : outcome === 'unknown' || !isThere
      if (!isTrue || code !== 'storage_unavailable' || !['not_applied', 'unknown'].includes(outcome))
        lies.push({ code, outcome, there: [...there] })
      throw error
    }
  }
  const { commit, commitFree } = store.ledger
  return {
    ...store,
    ledger: {
      ...store.ledger,
      commit: (commands, rules) => look(commands, () => commit(commands, rules)),
      ...(commitFree && {
        commitFree: (commands, rules, waitMs) => look(commands, () => commitFree(commands, rules, waitMs)),
      }),
    },
  }
}

it.each(['before', 'after'] as const)(
  `S2.3 S3.11 C5 connections cut at their COMMIT, %s the server executes it, ${counts.cuts} times in bursts: nothing acknowledged is lost, nothing is doubled, no error lies`,
  async (cut) => {
    const watched: Watched = { lies: [], errors: {} }
    const services = Array.from({ length: 4 }, () => billingThroughProxy((store) => watch(store, cut, watched)))
    const accounts = ['acct_1', 'acct_2', 'acct_3', 'acct_4', 'acct_5']
    for (const accountId of accounts) {
      await services[0]?.accounts.ensure({ accountId })
      const grant = { accountId, amount: '1000000', kind: 'paid', reason: 'top-up', idempotencyKey: 'top-up' } as const
      await services[0]?.credits.grant(grant)
    }
    proxy.plan((sql, transaction) =>
      proxy.cuts() < counts.cuts && isCommitOfWrites(sql, transaction) && Math.random() < 0.6 ? cut : null,
    )

    const verbs = [
      (billing: (typeof services)[0], accountId: string, idempotencyKey: string) =>
        billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 10, idempotencyKey }),
      (billing: (typeof services)[0], accountId: string, idempotencyKey: string) =>
        billing.credits.grant({ accountId, amount: '3', reason: 'gift', idempotencyKey }),
      (billing: (typeof services)[0], accountId: string, idempotencyKey: string) =>
        billing.hold({ accountId, amount: '2', idempotencyKey }),
    ]
    const acknowledged = new Map<string, number>()
    let surfaced = 0
    let serial = 0
    const caller = async (billing: (typeof services)[0]): Promise<void> => {
      while (proxy.cuts() < counts.cuts) {
        serial += 1
        const accountId = accounts[serial % accounts.length] ?? ''
        const verb = serial % verbs.length
        const key = `k-${serial}`
        // A caller whose call failed calls again with the same key, and some although theirs did not.
        for (let wanted = 1 + Number(serial % 7 === 0); wanted > 0; ) {
          const result = await verbs[verb]?.(billing, accountId, key).catch((error: unknown) => error)
          if (!(result instanceof Error)) {
            wanted -= 1
            continue
          }
          surfaced += 1
          expect(result).toMatchObject({ code: 'storage_unavailable', outcome: 'unknown', retryable: true })
        }
        acknowledged.set(`${accountId} ${key}`, verb)
      }
    }
    await Promise.all(services.flatMap((billing) => Array.from({ length: 12 }, () => caller(billing))))

    expect(proxy.cuts()).toBeGreaterThanOrEqual(counts.cuts)
    expect(watched.lies).toEqual([])
    expect(watched.errors).toEqual({ unknown: proxy.cuts() })
    const there = await keysThere()
    expect([...acknowledged.keys()].filter((name) => there.get(name) !== 1)).toEqual([])
    expect(there.size).toBe(acknowledged.size + accounts.length)
    const sums = await accountsOf(books, accounts)
    expect(unbalanced(sums)).toEqual([])
    for (const { id, balance, held } of sums) {
      const done = [...acknowledged].filter(([name]) => name.startsWith(`${id} `)).map(([, verb]) => verb)
      const times = (verb: number) => BigInt(done.filter((other) => other === verb).length)
      expect({ id, balance, held }).toEqual({
        id,
        balance: 1_000_000n * spark - times(0) * spark + times(1) * 3n * spark,
        held: times(2) * 2n * spark,
      })
    }
    // With three in five cut, five attempts are now and then not enough: callers have seen errors too.
    if (counts.cuts >= 500) expect(surfaced).toBeGreaterThan(0)
  },
)

describe('an error that a caller sees', () => {
  const usage = { accountId: 'acct_1', meter: 'ai_tokens', quantity: 10, idempotencyKey: 'u-1' } as const

  async function failureOf(plan: CutPlan): Promise<BillingError> {
    const billing = billingThroughProxy()
    await billing.accounts.ensure({ accountId: 'acct_1' })
    proxy.plan(plan)
    return billing.recordUsage(usage).then(
      () => expect.unreachable('the call should have failed'),
      (error) => error,
    )
  }
  const isRecorded = async () => (await keysThere()).has('acct_1 u-1')

  it.each(['before', 'after'] as const)(
    `S3.11 says that the outcome is unknown when every COMMIT was cut %s it was executed`,
    async (cut) => {
      const error = await failureOf((sql, transaction) => (isCommitOfWrites(sql, transaction) ? cut : null))
      expect(error).toMatchObject({ code: 'storage_unavailable', outcome: 'unknown', retryable: true })
      expect(await isRecorded()).toBe(cut === 'after')
    },
  )

  it('S3.11 says that nothing was applied when no attempt came to its COMMIT', async () => {
    const error = await failureOf((sql) => (/^begin\b/i.test(sql) ? 'before' : null))
    expect(error).toMatchObject({ code: 'storage_unavailable', outcome: 'not_applied', retryable: true })
    expect(await isRecorded()).toBe(false)
  })

  // The next two say `not_applied` of what was committed: the lane tells of its last attempt only, and a repeat of what it has read.
  it('S3.11 does not say that nothing was applied when one attempt was committed and the later ones never arrived', async () => {
    let isCommitted = false
    const error = await failureOf((sql, transaction) => {
      if (isCommitted) return 'before'
      isCommitted = isCommitOfWrites(sql, transaction)
      return isCommitted ? 'after' : null
    })
    expect(await isRecorded()).toBe(true)
    expect(error).toMatchObject({ code: 'storage_unavailable', outcome: 'unknown' })
  })

  it('S3.11 does not say that nothing was applied when only what was read after the commit is missing', async () => {
    let isCommitted = false
    const error = await failureOf((sql, transaction) => {
      if (isCommitted) return /read only/i.test(sql) ? 'before' : null
      isCommitted = isCommitOfWrites(sql, transaction)
      return isCommitted ? 'after' : null
    })
    expect(await isRecorded()).toBe(true)
    expect(error.outcome).not.toBe('not_applied')
  })
})
