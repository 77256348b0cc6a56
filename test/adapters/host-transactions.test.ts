import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BillingError, createBilling, defineCatalog, parseSparks, type RecordUsageInput } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { postgresStore } from 'billfold/adapters/postgres'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { stripeProvider } from 'billfold/providers/stripe'
import pg from 'pg'
import Stripe from 'stripe'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from './postgres-server.js'

const catalog = defineCatalog({
  meters: { ai_tokens: { unit: 'token', rate: { mode: 'per_unit', sparks: '100', per: '1000' } } },
  plans: { free: {} },
})
const stripe = stripeProvider({
  client: new Stripe('sk_test_unused', { host: '127.0.0.1', port: 9, protocol: 'http', telemetry: false }),
})

let server: PostgresServer
let pool: pg.Pool
const cleanUp: (() => unknown)[] = []
let schemas = 0

beforeAll(async () => {
  server = await startPostgres()
  pool = new pg.Pool({ connectionString: server.connectionString, max: 20 })
  pool.on('error', () => {})
})
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})
afterAll(async () => {
  await pool?.end()
  await server?.stop()
})

/** A service, and tables of the app's own beside it. */
async function open(options: object = {}) {
  schemas += 1
  const schema = `h${process.pid}_${Date.now().toString(36)}_${schemas}`
  const where = 'pool' in options ? {} : { connectionString: server.connectionString }
  const store = postgresStore({ ...where, schema, ...options } as Parameters<typeof postgresStore>[0])
  const billing = createBilling({
    catalog,
    store,
    providers: { default: stripe },
    redirects: { allowedOrigins: ['https://app.example.com'] },
    environment: { onError: () => {} },
  })
  cleanUp.push(() => billing.close())
  for (const accountId of ['acct_1', 'acct_2']) {
    await billing.accounts.ensure({ accountId })
    await billing.credits.grant({
      accountId,
      amount: parseSparks('1000'),
      kind: 'paid',
      reason: 'start',
      idempotencyKey: 'start',
    })
  }
  await pool.query(`CREATE TABLE ${schema}.orders (id int PRIMARY KEY)`)
  const orders = async () => Number((await pool.query(`SELECT count(*) FROM ${schema}.orders`)).rows[0].count)
  const counts = async () => {
    const tables = ['ledger_entries', 'rollups', 'deliveries', 'events', 'counters']
    const rows = await Promise.all(tables.map((table) => pool.query(`SELECT count(*)::int FROM ${schema}.${table}`)))
    return Object.fromEntries(rows.map(({ rows: [row] }, index) => [tables[index], row.count]))
  }
  const balance = async (accountId = 'acct_1') => (await billing.credits.balance({ accountId })).balance
  return { billing, store, schema, orders, counts, balance }
}

async function client(): Promise<pg.PoolClient> {
  const taken = await pool.connect()
  const ignore = () => {}
  taken.on('error', ignore)
  let isBroken = false
  cleanUp.push(async () => {
    await taken.query('ROLLBACK').catch(() => {
      isBroken = true
    })
    taken.off('error', ignore)
    taken.release(isBroken)
  })
  return taken
}

const use = (key: string, change: Partial<RecordUsageInput<typeof catalog>> = {}) => ({
  accountId: 'acct_1',
  meter: 'ai_tokens' as const,
  quantity: 10_000,
  idempotencyKey: key,
  ...change,
})
const failureOf = (call: Promise<unknown>): Promise<BillingError> =>
  call.then(
    (answer) => Promise.reject(new Error(`it was accepted: ${Object.keys(answer as object)}`)),
    (error) => error,
  )
const start = parseSparks('1000')

describe('usage in a transaction of the app', () => {
  it('S2.3 is there, once, with everything that belongs to it, when the transaction commits', async () => {
    const { billing, schema, counts, balance, orders } = await open()
    const transaction = await client()
    await transaction.query(`BEGIN; INSERT INTO ${schema}.orders VALUES (1)`)
    const before = await counts()
    const recorded = await billing.recordUsage(use('u-1', { transaction }))
    expect(recorded).toMatchObject({ status: 'pending_commit', deliveries: { stripe: 'queued' } })
    expect(recorded.balance.balance).toBe(parseSparks('0'))
    expect(await counts()).toEqual(before)
    expect(await balance()).toBe(start)
    await transaction.query('COMMIT')
    expect(await balance()).toBe(0n)
    expect(await orders()).toBe(1)
    const after = await counts()
    expect(after.ledger_entries - before.ledger_entries).toBe(1)
    expect(after.deliveries - before.deliveries).toBe(1)
    expect(after.rollups - before.rollups).toBe(1)
    expect(await billing.recordUsage(use('u-1'))).toMatchObject({ status: 'duplicate', id: recorded.id })
    expect((await billing.verifyLedger()).findings).toEqual([])
  })

  it('S2.3 leaves nothing when the transaction rolls back, and its key is free', async () => {
    const { billing, schema, counts, balance, orders } = await open()
    const before = await counts()
    const transaction = await client()
    await transaction.query(`BEGIN; INSERT INTO ${schema}.orders VALUES (1)`)
    await billing.recordUsage(use('u-1', { transaction }))
    await transaction.query('ROLLBACK')
    expect([await counts(), await balance(), await orders()]).toEqual([before, start, 0])
    expect((await billing.recordUsage(use('u-1', { quantity: 5_000 }))).status).toBe('recorded')
    expect((await billing.verifyLedger()).findings).toEqual([])
  })

  it('S2.3 is recorded once for a key, in the transaction, in another, and beside it', async () => {
    const { billing, balance } = await open()
    const transaction = await client()
    await transaction.query('BEGIN')
    const first = await billing.recordUsage(use('u-1', { transaction, quantity: 1_000 }))
    const again = await billing.recordUsage(use('u-1', { transaction, quantity: 1_000 }))
    expect(again).toEqual({ ...first, status: 'duplicate' })
    const other = await failureOf(billing.recordUsage(use('u-1', { transaction, quantity: 2_000 })))
    expect(other.code).toBe('idempotency_conflict')
    await transaction.query('COMMIT; BEGIN')
    expect(await billing.recordUsage(use('u-1', { transaction, quantity: 1_000 }))).toEqual(again)
    await transaction.query('COMMIT')
    expect((await billing.recordUsage(use('u-1', { quantity: 1_000 }))).id).toBe(first.id)
    expect(await balance()).toBe(parseSparks('900'))
  })

  it('S2.3 that is refused, or that fails, leaves the transaction usable and its settings alone', async () => {
    const { billing, schema, orders, balance } = await open()
    const transaction = await client()
    await transaction.query(`BEGIN; SET LOCAL lock_timeout = '1234ms'; SET LOCAL enable_hashjoin = off`)
    const shown = async () => {
      const names = ['jit', 'enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'plan_cache_mode', 'lock_timeout']
      const { rows } = await transaction.query(`SELECT ${names.map((name) => `current_setting('${name}') AS ${name}`)}`)
      return rows[0]
    }
    const settings = await shown()
    expect(settings).toMatchObject({ enable_seqscan: 'on', enable_hashjoin: 'off', lock_timeout: '1234ms' })
    await transaction.query(`INSERT INTO ${schema}.orders VALUES (1)`)
    const refused = billing.recordUsage(use('u-1', { transaction, quantity: 1e9, onInsufficient: 'refuse' }))
    expect((await failureOf(refused)).code).toBe('insufficient_credits')
    expect(await shown()).toEqual(settings)
    const missing = billing.recordUsage(use('u-1', { transaction, accountId: 'acct_none' }))
    expect((await failureOf(missing)).code).toBe('not_found')
    await transaction.query(`SAVEPOINT mine; ALTER TABLE ${schema}.ledger_entries RENAME TO gone`)
    expect((await failureOf(billing.recordUsage(use('u-1', { transaction })))).code).toBe('config_invalid')
    expect(await shown()).toEqual(settings)
    await transaction.query('ROLLBACK TO SAVEPOINT mine')
    await billing.recordUsage(use('u-2', { transaction }))
    expect(await shown()).toEqual(settings)
    await expect(transaction.query('RELEASE SAVEPOINT billfold')).rejects.toMatchObject({ code: '3B001' })
    await transaction.query('ROLLBACK TO SAVEPOINT mine; COMMIT')
    expect([await orders(), await balance()]).toEqual([1, start])
  })

  it('S2.3 of one account that is recorded twice at the same time is two calls, one after the other', async () => {
    const { billing, balance } = await open()
    const transaction = await client()
    await transaction.query('BEGIN')
    const calls = ['a', 'b', 'c', 'd'].map((key, index) =>
      billing.recordUsage(
        use(key, { transaction, quantity: 1_000, ...(index === 2 ? { accountId: 'acct_none' } : {}) }),
      ),
    )
    const ended = await Promise.allSettled(calls)
    expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    await transaction.query('COMMIT')
    expect(await balance()).toBe(parseSparks('700'))
  })

  it('S2.3 settles a hold, and gives it back with everything else when the transaction rolls back', async () => {
    const { billing } = await open()
    const hold = { accountId: 'acct_1', meter: 'ai_tokens' as const, quantity: 5_000 }
    const { id: holdId } = await billing.hold({ ...hold, idempotencyKey: 'h-1' })
    const held = async () => (await billing.credits.balance({ accountId: 'acct_1' })).held
    const reserved = await held()
    const transaction = await client()
    await transaction.query('BEGIN')
    await billing.recordUsage(use('u-1', { transaction, holdId, quantity: 5_000 }))
    await transaction.query('ROLLBACK; BEGIN')
    expect(await held()).toBe(reserved)
    await billing.recordUsage(use('u-1', { transaction, holdId, quantity: 5_000 }))
    await transaction.query('COMMIT')
    expect(await held()).toBe(0n)
    expect((await billing.verifyLedger()).findings).toEqual([])
  })

  it('keeps nothing in the connection but prepared statements, and not those where it is told so', async () => {
    const { billing } = await open({ prepare: false })
    const transaction = await client()
    const names = 'SELECT count(*)::int FROM pg_prepared_statements'
    const before = (await transaction.query(names)).rows[0]
    await transaction.query('BEGIN')
    await billing.recordUsage(use('u-1', { transaction }))
    await transaction.query('COMMIT')
    expect((await transaction.query(names)).rows[0]).toEqual(before)
    const { rows } = await transaction.query(
      "SELECT current_setting('enable_seqscan') scan, current_setting('jit') jit",
    )
    expect(rows[0]).toEqual({ scan: 'on', jit: 'on' })
  })
})

describe('a transaction that usage cannot be recorded in', () => {
  it.each([
    ['a number', 7, 'invalid_request'],
    ['text', 'BEGIN', 'invalid_request'],
    ['null', null, 'invalid_request'],
    ['an object that runs nothing', {}, 'invalid_request'],
    ['a function', () => {}, 'invalid_request'],
    ['something that answers otherwise', { query: async () => [] }, 'invalid_request'],
    ['something that answers nothing', { query() {} }, 'invalid_request'],
  ] as const)('is refused when it is %s', async (_, transaction, code) => {
    const { billing, balance } = await open()
    const failure = await failureOf(billing.recordUsage(use('u-1', { transaction: transaction as never })))
    expect(failure).toMatchObject({ code, outcome: 'not_applied' })
    expect(await balance()).toBe(start)
  })

  it('is refused when none was begun on it, when it is a pool, and when it has failed already', async () => {
    const { billing, balance } = await open()
    const transaction = await client()
    for (const none of [transaction, pool])
      expect((await failureOf(billing.recordUsage(use('u-1', { transaction: none })))).code).toBe('invalid_request')
    await transaction.query('BEGIN')
    await transaction.query('SELECT 1 / 0').catch(() => {})
    expect((await failureOf(billing.recordUsage(use('u-1', { transaction })))).code).toBe('invalid_state')
    expect(await balance()).toBe(start)
  })

  it.each(['REPEATABLE READ', 'SERIALIZABLE'])('is refused at %s, which sees the books as they were', async (level) => {
    const { billing, balance } = await open()
    const transaction = await client()
    await transaction.query(`BEGIN ISOLATION LEVEL ${level}; SELECT 1`)
    await billing.recordUsage(use('u-0'))
    const failure = await failureOf(billing.recordUsage(use('u-1', { transaction })))
    expect(failure).toMatchObject({ code: 'option_unsupported', message: expect.stringContaining(level) })
    await transaction.query('COMMIT')
    expect(await balance()).toBe(0n)
  })

  it('is refused when it is read-only', async () => {
    const { billing } = await open()
    const transaction = await client()
    await transaction.query('BEGIN READ ONLY')
    expect((await failureOf(billing.recordUsage(use('u-1', { transaction })))).code).toBe('invalid_request')
  })

  it('is refused on a client that was closed, on another database, and of a service that was', async () => {
    const { billing } = await open()
    const closed = new pg.Client({ connectionString: server.connectionString })
    await closed.connect()
    await closed.query('BEGIN')
    await closed.end()
    expect((await failureOf(billing.recordUsage(use('u-1', { transaction: closed })))).code).toBe('storage_unavailable')
    const elsewhere = new pg.Client({ connectionString: server.connectionString.replace(/postgres$/, 'template1') })
    await elsewhere.connect()
    cleanUp.push(() => elsewhere.end())
    await elsewhere.query('BEGIN')
    expect((await failureOf(billing.recordUsage(use('u-1', { transaction: elsewhere })))).code).toBe('config_invalid')
    const transaction = await client()
    await transaction.query('BEGIN')
    await billing.close()
    expect((await failureOf(billing.recordUsage(use('u-1', { transaction })))).code).toBe('storage_unavailable')
  })

  it('is refused when it never answers', async () => {
    const { billing } = await open({ timeoutMs: 300 })
    const transaction = { query: () => new Promise(() => {}) }
    const failure = await failureOf(billing.recordUsage(use('u-1', { transaction })))
    expect(failure).toMatchObject({ code: 'storage_unavailable', outcome: 'unknown' })
  })

  it('is refused for a batch, and beside a lease', async () => {
    const { billing } = await open()
    const transaction = await client()
    await transaction.query('BEGIN')
    const events = [use('u-1'), use('u-2', { transaction })]
    const batch = await failureOf(billing.recordUsageBatch({ events }))
    expect(batch).toMatchObject({ code: 'option_unsupported', details: { index: 1 } })
    const lease = await billing.lease({ accountId: 'acct_1', meter: 'ai_tokens' })
    const leaseToken = await lease.authorize(1_000)
    const leased = billing.recordUsage(use('u-1', { quantity: 1_000, transaction, leaseToken: leaseToken as never }))
    expect((await failureOf(leased)).code).toBe('option_unsupported')
    await lease.close()
  })

  it('is refused by stores that an app cannot share a transaction with', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'billfold-host-'))
    cleanUp.push(() => rmSync(folder, { recursive: true }))
    const transaction = await client()
    await transaction.query('BEGIN')
    for (const store of [memoryStore(), sqliteStore({ path: join(folder, 'billing.db') })]) {
      const billing = createBilling({ catalog, store })
      await billing.accounts.ensure({ accountId: 'acct_1' })
      const failure = await failureOf(billing.recordUsage(use('u-1', { transaction })))
      expect(failure).toMatchObject({ code: 'option_unsupported', message: expect.stringContaining(store.name) })
      expect((await billing.usage.list({ accountId: 'acct_1' })).items).toEqual([])
      await billing.close()
    }
  })
})

describe('an account that a transaction of the app keeps locked', () => {
  it('S2.3 a call that does not join the transaction it is made in ends with an error of its own', async () => {
    const { billing, balance } = await open({ lockTimeoutMs: 700 })
    const transaction = await client()
    await transaction.query('BEGIN')
    await billing.recordUsage(use('u-1', { transaction }))
    const began = performance.now()
    const calls = [
      billing.recordUsage(use('u-2')),
      billing.hold({ accountId: 'acct_1', meter: 'ai_tokens', quantity: 1, idempotencyKey: 'h-1' }),
      billing.credits.grant({ accountId: 'acct_1', amount: 1n, kind: 'paid', reason: 'x', idempotencyKey: 'g' }),
      billing.accounts.ensure({ accountId: 'acct_1', name: 'Ann' }),
    ]
    for (const failure of await Promise.all(calls.map(failureOf))) {
      expect(failure).toMatchObject({ code: 'account_busy', retryable: true, outcome: 'not_applied' })
    }
    expect(performance.now() - began).toBeLessThan(5_000)
    expect((await billing.accounts.ensure({ accountId: 'acct_1' })).created).toBe(false)
    await transaction.query('COMMIT')
    expect((await billing.recordUsage(use('u-2'))).status).toBe('recorded')
    expect(await balance()).toBe(-start)
  })

  it('S2.3 a call whose pool has no connection left for it ends with an error of its own', async () => {
    const small = new pg.Pool({ connectionString: server.connectionString, max: 1 })
    cleanUp.push(() => small.end())
    const { billing } = await open({ pool: small, timeoutMs: 500 })
    const transaction = await small.connect()
    await transaction.query('BEGIN')
    await billing.recordUsage(use('u-1', { transaction }))
    expect(await failureOf(billing.recordUsage(use('u-2')))).toMatchObject({ code: 'overloaded', retryable: true })
    await transaction.query('COMMIT')
    transaction.release()
    expect((await billing.recordUsage(use('u-2'))).status).toBe('recorded')
  })

  it('S2.3 delays only itself: others go on, and what waited for it goes through in order when it is free', async () => {
    const { billing, schema } = await open({ lockTimeoutMs: 10_000 })
    const transaction = await client()
    await transaction.query('BEGIN')
    await billing.recordUsage(use('u-1', { transaction }))
    const done: string[] = []
    const call = (accountId: string, key: string) =>
      billing.recordUsage(use(key, { accountId, quantity: 1_000 })).then(({ status }) => done.push(`${key} ${status}`))
    const waiting: Promise<unknown>[] = []
    const began = performance.now()
    for (let round = 0; performance.now() - began < 5_000; round += 1) {
      waiting.push(call('acct_1', `held-${String(round).padStart(5, '0')}`))
      await Promise.all([call('acct_2', `free-${round}`), call('acct_2', `also-${round}`)])
    }
    const free = done.length
    expect(done.some((line) => line.startsWith('held'))).toBe(false)
    expect(free).toBeGreaterThan(500)
    await transaction.query('COMMIT')
    await Promise.all(waiting)
    expect(new Set(done.map((line) => line.split(' ')[1]))).toEqual(new Set(['recorded']))
    expect(done).toHaveLength(free + waiting.length)
    const { rows } = await pool.query(
      `SELECT key FROM ${schema}.ledger_entries WHERE account_id = 'acct_1' AND key LIKE 'held%' ORDER BY seq`,
    )
    const keys = rows.map(({ key }) => key)
    expect(keys).toEqual([...keys].sort())
    expect((await billing.verifyLedger()).findings).toEqual([])
  })

  it('S2.3 is told from an account that is not there', async () => {
    const { billing } = await open({ lockTimeoutMs: 400 })
    const transaction = await client()
    await transaction.query('BEGIN')
    await billing.recordUsage(use('u-1', { transaction }))
    const calls = ['acct_1', 'acct_2', 'acct_none'].map((accountId) => billing.recordUsage(use('u-2', { accountId })))
    const [held, free, missing] = await Promise.allSettled(calls)
    expect(held).toMatchObject({ reason: { code: 'account_busy', details: { accountId: 'acct_1' } } })
    expect(free).toMatchObject({ value: { status: 'recorded' } })
    expect(missing).toMatchObject({ reason: { code: 'not_found' } })
  })

  it('S2.3 two transactions that lock accounts in opposite order end, and one of them may try again', async () => {
    const { billing, balance } = await open({ lockTimeoutMs: 8_000 })
    const [one, two] = [await client(), await client()]
    await one.query('BEGIN')
    await two.query('BEGIN')
    const quantity = 1_000
    await billing.recordUsage(use('one-1', { transaction: one, quantity }))
    await billing.recordUsage(use('two-2', { transaction: two, quantity, accountId: 'acct_2' }))
    const ended = await Promise.allSettled([
      billing
        .recordUsage(use('one-2', { transaction: one, quantity, accountId: 'acct_2' }))
        .finally(() => one.query('COMMIT')),
      billing.recordUsage(use('two-1', { transaction: two, quantity })).finally(() => two.query('COMMIT')),
    ])
    const lost = ended.filter((end) => end.status === 'rejected')
    expect(lost).toMatchObject([{ reason: { code: 'storage_unavailable', retryable: true, outcome: 'not_applied' } }])
    expect((await balance('acct_1')) + (await balance('acct_2'))).toBe(2n * start - 3n * parseSparks('100'))
    expect((await billing.verifyLedger()).findings).toEqual([])
  })

  it('S2.3 many transactions and calls without one agree on a balance that runs dry', async () => {
    const { billing, balance } = await open({ lockTimeoutMs: 20_000 })
    const body = { quantity: 1_000, onInsufficient: 'refuse' as const }
    const one = async (index: number): Promise<number> => {
      if (index % 3 > 0) return billing.recordUsage(use(`u-${index}`, body)).then(() => 1)
      const transaction = await pool.connect()
      try {
        await transaction.query('BEGIN')
        await billing.recordUsage(use(`u-${index}`, { ...body, transaction }))
        const isKept = index % 2 === 0
        await transaction.query(isKept ? 'COMMIT' : 'ROLLBACK')
        return isKept ? 1 : 0
      } finally {
        await transaction.query('ROLLBACK')
        transaction.release()
      }
    }
    const ended = await Promise.allSettled(Array.from({ length: 60 }, (_, index) => one(index)))
    const refused = ended.flatMap((end) => (end.status === 'rejected' ? end.reason.code : []))
    expect(new Set(refused)).toEqual(new Set(['insufficient_credits']))
    const taken = ended.reduce((sum, end) => sum + (end.status === 'fulfilled' ? end.value : 0), 0)
    expect(taken).toBeLessThanOrEqual(10)
    expect(await balance()).toBe(start - BigInt(taken) * parseSparks('100'))
    expect((await billing.verifyLedger()).findings).toEqual([])
  })
})
