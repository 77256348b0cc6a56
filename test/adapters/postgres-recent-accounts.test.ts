import { type BillingError, createBilling, defineCatalog, parseSparks } from 'billfold'
import { type PostgresPool, postgresStore } from 'billfold/adapters/postgres'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RecentAccount, recentAccounts } from '../../src/adapters/postgres/recent-accounts.js'
import { newAccountState } from '../../src/core/domain/ledger/state.js'
import { type CuttingProxy, startCuttingProxy } from '../proof/cutting-proxy.js'
import { type PostgresServer, startPostgres } from './postgres-server.js'

const rate = { mode: 'per_unit', sparks: '1', per: '1' } as const
const catalog = defineCatalog({
  meters: { ai_tokens: { unit: 'token', rate }, images: { unit: 'image', rate } },
  plans: { free: { meters: { images: { included: '10', limit: '12' } } } },
})
const account = { accountId: 'acct_1' }
const sparks = (amount: number) => parseSparks(String(amount))

let server: PostgresServer
let admin: pg.Pool
let schemas = 0
let calls = 0
let schema = ''
const cleanUp: (() => unknown)[] = []

beforeAll(async () => {
  server = await startPostgres()
  admin = new pg.Pool({ connectionString: server.connectionString })
})
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})
afterAll(async () => {
  await admin?.end()
  await server?.stop()
})

type Options = Partial<Parameters<typeof postgresStore>[0]>

/** A service of its own process, as far as the database can tell. */
function serviceAt(options: Options = {}) {
  const where = 'pool' in options ? {} : { connectionString: server.connectionString }
  const store = postgresStore({ ...where, schema, ...options } as Parameters<typeof postgresStore>[0])
  const billing = createBilling({ catalog, store, environment: { onError: () => {} } })
  cleanUp.push(() => billing.close())
  /** Uses something; what a counter and a budget of `key` count too. */
  const use = (quantity = 1, change: { meter?: 'images'; idempotencyKey?: string } = {}) => {
    calls += 1
    const idempotencyKey = `u-${calls}`
    const usage = { ...account, apiKeyId: 'key', meter: 'ai_tokens', quantity, idempotencyKey, ...change } as const
    return billing.recordUsage({ ...usage, onInsufficient: 'refuse' })
  }
  const grant = (amount: number, change: { expiresAt?: Date; priority?: number } = {}) => {
    calls += 1
    const idempotencyKey = `g-${calls}`
    return billing.credits.grant({ ...account, amount: String(amount), reason: 'gift', idempotencyKey, ...change })
  }
  return { store, billing, use, grant }
}

/** A service that has used an account with 1,000 Sparks twice, so that it knows it. */
async function openUsed(options: Options = {}) {
  schemas += 1
  schema = `r${process.pid}_${Date.now().toString(36)}_${schemas}`
  const service = serviceAt(options)
  await service.billing.accounts.ensure(account)
  await service.grant(1_000)
  const budget = { ...account, scope: { apiKeyId: 'key' }, interval: 'never', idempotencyKey: 'b-1' } as const
  await service.billing.budgets.set({ ...budget, limit: '2000' })
  await service.use()
  await service.use()
  return service
}

const balanceOf = async ({ billing }: Pick<ReturnType<typeof serviceAt>, 'billing'>) =>
  (await billing.credits.balance(account)).balance

async function expectExact({ store }: Pick<ReturnType<typeof serviceAt>, 'store'>): Promise<void> {
  expect(await store.ledger.verify({ ...account, limit: 10 })).toMatchObject({ findings: [] })
}

const byHand = (statement: string) => admin.query(statement.replace(/\{(\w+)\}/g, `${schema}.$1`))
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'accepted',
    (error: BillingError) => error.code,
  )

/** The app's own pool, which tells what it was asked. */
function listening(texts: string[]): PostgresPool {
  class Client extends pg.Client {
    override query = ((...asked: unknown[]) => {
      texts.push((asked[0] as { text: string }).text)
      return (super.query as (...asked: unknown[]) => unknown)(...asked)
    }) as pg.Client['query']
  }
  const pool = new pg.Pool({ connectionString: server.connectionString, Client } as pg.PoolConfig)
  pool.on('error', () => {})
  cleanUp.push(() => pool.end())
  return pool as unknown as PostgresPool
}

describe('an account that is used again', () => {
  const reads = (texts: readonly string[]) =>
    texts.filter((text) => /FROM \w+\.(credit_grants|counters|budgets) t/.test(text) && /^SELECT/.test(text))

  it('C5 is not read again, nor when a key is sent again, nor when all of it is spent', async () => {
    const texts: string[] = []
    const { use, billing } = await openUsed({ pool: listening(texts) })
    texts.length = 0
    for (let number = 0; number < 5; number += 1) await use(1, { idempotencyKey: `k-${number % 4}` })
    await use(994)
    expect(reads(texts)).toEqual([])
    await billing.credits.grant({ ...account, amount: '5', reason: 'gift', idempotencyKey: 'g' })
    texts.length = 0
    await use(5)
    expect(reads(texts)).toEqual([])
  })

  it('C5 is read along, and not in a round of its own, while another process uses it as well', async () => {
    const texts: string[] = []
    const service = await openUsed({ pool: listening(texts) })
    const other = serviceAt()
    const rounds: number[] = []
    for (let number = 0; number < 4; number += 1) {
      await other.use()
      texts.length = 0
      await service.use()
      rounds.push(reads(texts).length)
    }
    expect(rounds).toEqual([1, 1, 1, 1])
    texts.length = 0
    const statements = async () => {
      texts.length = 0
      await service.use()
      return { all: texts.length, reads: reads(texts).length }
    }
    // Once it was found as it was left for some time, that is relied on.
    let second = await statements()
    let alone = 1
    while (second.reads > 0) {
      second = await statements()
      alone += 1
    }
    expect(alone).toBeGreaterThan(10)
    expect(alone).toBeLessThan(20)
    await other.use()
    const late = await statements()
    await other.use()
    expect((await statements()).all).toBe(late.all - 1)
    expect(late.all).toBe(second.all + 1)
  })
})

describe('what another process did is seen by the next command', () => {
  it('C5 S2.3 usage and grants of two processes in turn make one exact book', async () => {
    const services = [await openUsed(), serviceAt(), serviceAt({ distributed: true })]
    for (let turn = 0; turn < 12; turn += 1)
      for (const { use, grant } of services) {
        await use(2)
        if (turn % 4 === 1) await grant(1, { priority: -turn })
      }
    for (const service of services) {
      expect(await balanceOf(service)).toBe(sparks(1_000 - 2 - 12 * 6 + 9))
      await expectExact(service)
    }
  })

  it('S2.3 two processes that spend at the same time never spend more than there is', async () => {
    const services = [await openUsed(), serviceAt()]
    const calls = services.flatMap(({ use }) => Array.from({ length: 300 }, () => use(5)))
    const ended = await Promise.allSettled(calls)
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(199)
    expect(await balanceOf(services[0] as (typeof services)[0])).toBe(sparks(3))
    for (const service of services) await expectExact(service)
  })

  it('C5 S3.10 what only a counter counts', async () => {
    const [one, other] = [await openUsed(), serviceAt()]
    // The plan gives ten, which cost no credits; the first to ask beyond twelve is refused.
    const codes: string[] = []
    for (let turn = 0; turn < 7; turn += 1)
      for (const { use } of [one, other]) codes.push(await codeOf(use(1, { meter: 'images' })))
    expect(codes).toEqual([...Array(12).fill('accepted'), ...Array(2).fill('quota_exceeded')])
    expect(await balanceOf(one)).toBe(sparks(996))
    await expectExact(one)
  })

  it('C5 S2.5 attempts beyond a limit, which change nothing but a counter', async () => {
    const services = [await openUsed(), serviceAt()]
    for (const { use } of services) await use(6, { meter: 'images' })
    for (let turn = 0; turn < 3; turn += 1)
      for (const { billing } of services)
        expect((await billing.authorize({ ...account, meter: 'images', quantity: 1 })).allowed).toBe(false)
    const { rows } = await byHand(`SELECT throttled_attempts::int AS count FROM {counters} WHERE meter = 'images'`)
    expect(rows).toEqual([{ count: 6 }])
  })

  it('S4.1 terms, a suspension, a budget, and holds', async () => {
    const [one, other] = [await openUsed(), serviceAt()]
    const { accounts, budgets, hold, release } = other.billing
    await accounts.update({ ...account, terms: { meters: { ai_tokens: { limit: '10' } } }, idempotencyKey: 'a-1' })
    expect(await codeOf(one.use(9))).toBe('quota_exceeded')
    await accounts.update({ ...account, terms: null, idempotencyKey: 'a-2' })
    expect(await codeOf(one.use(9))).toBe('accepted')

    const scope = { apiKeyId: 'key' }
    await budgets.set({ ...account, scope, limit: '12', interval: 'never', idempotencyKey: 'b-2' })
    expect(await codeOf(one.use(2))).toBe('quota_exceeded')
    await budgets.set({ ...account, scope, limit: '1000', interval: 'never', idempotencyKey: 'b-3' })
    expect(await codeOf(one.use(2))).toBe('accepted')

    const held = await hold({ ...account, amount: '980', reason: 'work', idempotencyKey: 'h-1' })
    expect(await codeOf(one.use(8))).toBe('insufficient_credits')
    await release({ ...account, holdId: held.id, idempotencyKey: 'r-1' })
    expect(await codeOf(one.use(8))).toBe('accepted')

    await accounts.suspend({ ...account, reason: 'fraud', idempotencyKey: 's-1' })
    expect(await one.billing.authorize({ ...account, meter: 'ai_tokens', quantity: 1 })).toMatchObject({
      reason: 'suspended',
    })
    await expectExact(one)
  })

  it('C5 S2.3 usage in a transaction of the app, whether that commits or rolls back', async () => {
    const one = await openUsed()
    const client = await admin.connect()
    const usage = { ...account, meter: 'ai_tokens', quantity: 10 } as const
    for (const [end, left] of [
      ['ROLLBACK', 997],
      ['COMMIT', 986],
      ['ROLLBACK', 985],
    ] as const) {
      await client.query('BEGIN')
      await client.query(`UPDATE ${schema}.accounts SET name = 'Ada'`)
      await one.billing.recordUsage({ ...usage, idempotencyKey: `t-${left}`, transaction: client })
      await client.query(end)
      await one.use()
      expect(await balanceOf(one)).toBe(sparks(left))
    }
    client.release()
    await expectExact(one)
  })
})

describe('what somebody changed by hand is seen by the next command', () => {
  it.each([
    [
      'takes from a grant',
      [`UPDATE {credit_grants} SET remaining = 5000000`, `UPDATE {accounts} SET balance = 5000000`],
    ],
    ['takes a grant away', [`DELETE FROM {credit_grants}`, `UPDATE {accounts} SET balance = 0`]],
    ['empties the grants', [`TRUNCATE {credit_grants}`, `UPDATE {accounts} SET balance = 0`]],
    ['changes the account', [`UPDATE {accounts} SET balance = 0; DELETE FROM {credit_grants}`]],
    [
      'replaces the account',
      [
        `DELETE FROM {accounts}; DELETE FROM {credit_grants}`,
        `INSERT INTO {accounts} (id, created_at, plan, balance, held) VALUES ('acct_1', 0, 'free', 0, 0)`,
      ],
    ],
  ])('C5 S2.3 who %s', async (_, statements) => {
    const { use } = await openUsed()
    for (const statement of statements) await byHand(statement)
    expect(await codeOf(use(6))).toBe('insufficient_credits')
  })

  it('C5 S3.10 who changes a counter, a budget, or a hold', async () => {
    const one = await openUsed()
    await one.use(1, { meter: 'images' })
    await byHand(`UPDATE {counters} SET used = 12000000, allowance = 10000000 WHERE meter = 'images'`)
    expect(await codeOf(one.use(1, { meter: 'images' }))).toBe('quota_exceeded')
    await byHand(`DELETE FROM {counters}`)
    expect(await codeOf(one.use(1, { meter: 'images' }))).toBe('accepted')
    await byHand(`UPDATE {budgets} SET limit_sparks = 3000000`)
    expect(await codeOf(one.use(5))).toBe('quota_exceeded')
    await byHand(`DELETE FROM {budgets}`)
    expect(await codeOf(one.use(5))).toBe('accepted')
  })

  it('C5 who is faster than a batch is waited for', async () => {
    const { use } = await openUsed()
    const client = await admin.connect()
    await client.query(`BEGIN; UPDATE ${schema}.credit_grants SET remaining = 5000000`)
    await client.query(`UPDATE ${schema}.accounts SET balance = 5000000`)
    const used = codeOf(use(6))
    await new Promise((resolve) => setTimeout(resolve, 50))
    await client.query('COMMIT')
    client.release()
    expect(await used).toBe('insufficient_credits')
  })
})

describe('a batch that failed leaves nothing behind', () => {
  let proxy: CuttingProxy
  const isWriting = (transaction: readonly string[]) => !/read only/i.test(transaction[0] ?? '')

  it.each(['before', 'after'] as const)('C5 S2.3 a connection that is cut %s the COMMIT', async (when) => {
    proxy = await startCuttingProxy(server.connectionString)
    cleanUp.push(() => proxy.close())
    const one = await openUsed({ connectionString: proxy.connectionString })
    for (let number = 0; number < 3; number += 1) {
      let isCut = false
      proxy.plan((sql, transaction) => {
        if (isCut || !/^commit\b/i.test(sql) || !isWriting(transaction)) return null
        isCut = true
        return when
      })
      await one.use(10)
      await one.use(1)
    }
    expect(proxy.cuts()).toBe(3)
    expect(await balanceOf(one)).toBe(sparks(998 - 33))
    await expectExact(one)
  })

  it('C5 S2.3 a COMMIT that the database refuses', async () => {
    const one = await openUsed()
    await byHand(`CREATE FUNCTION {refuse_once}() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.key = 'bad' THEN RAISE EXCEPTION 'refused'; END IF; RETURN NULL; END $$`)
    await byHand(`CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON {ledger_entries} DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION {refuse_once}()`)
    for (const key of ['k-1', 'bad', 'k-2', 'bad', 'k-3'])
      expect((await codeOf(one.use(10, { idempotencyKey: key }))) === 'accepted').toBe(key !== 'bad')
    expect(await balanceOf(one)).toBe(sparks(998 - 30))
    await expectExact(one)
  })
})

describe('what is known and runs out by the clock', () => {
  const day = 86_400_000

  it('S2.1 a grant that expires is spent no more', async () => {
    let now = Date.UTC(2026, 0, 10)
    const one = await openUsed({ now: () => now })
    await one.grant(50, { expiresAt: new Date(now + day), priority: -1 })
    await one.use(20)
    expect(await balanceOf(one)).toBe(sparks(1_028))
    now += 2 * day
    await one.use(1)
    expect(await balanceOf(one)).toBe(sparks(997))
    await expectExact(one)
  })

  it('S3.10 a period that is over: use is counted in the next, and late use in its own', async () => {
    let now = Date.UTC(2026, 0, 31, 23)
    const one = await openUsed({ now: () => now })
    await one.use(12, { meter: 'images' })
    expect(await codeOf(one.use(1, { meter: 'images' }))).toBe('quota_exceeded')
    now += day
    await one.use(4, { meter: 'images' })
    const late = { ...account, meter: 'images', quantity: 3, occurredAt: new Date(now - day) } as const
    await one.billing.recordUsage({ ...late, idempotencyKey: 'late' })
    await one.use(4, { meter: 'images' })
    const { rows } = await byHand(
      `SELECT used::int / 1000000 AS used FROM {counters} WHERE meter = 'images' ORDER BY starts_at`,
    )
    expect(rows).toEqual([{ used: 15 }, { used: 8 }])
    await expectExact(one)
  })
})

describe('recentAccounts', () => {
  const known = (id: string, grants = 0): RecentAccount => ({
    version: '1',
    doubt: 0,
    account: newAccountState(id, 'free'),
    grants: new Map(Array.from({ length: grants }, (_, index) => [`g-${index}`, {} as never])),
    counters: new Map(),
    budgets: new Map(),
  })

  it('C5 keeps so many rows, and forgets the accounts that were used longest ago', () => {
    const recent = recentAccounts()
    const ids = Array.from({ length: 60_000 }, (_, number) => `acct_${number}`)
    for (const id of ids) {
      recent.keep(known(id))
      const first = recent.take('acct_0')
      if (first) recent.keep(first)
    }
    const left = ids.filter((id) => recent.take(id))
    expect(left.length).toBeGreaterThan(37_000)
    expect(left.length).toBeLessThanOrEqual(50_000)
    expect(left).toEqual(['acct_0', ...ids.slice(1 - left.length)])
    // What was taken out is counted no more.
    for (const id of ids.slice(0, 50_000)) recent.keep(known(id))
    expect(recent.take('acct_0')).toBeDefined()
  })

  it('C5 hands out an account once, and does not keep one that has very much of something', () => {
    const recent = recentAccounts()
    recent.keep(known('acct_1'))
    recent.keep(known('acct_2', 65))
    expect([recent.take('acct_1')?.account.id, recent.take('acct_1'), recent.take('acct_2')]).toEqual([
      'acct_1',
      undefined,
      undefined,
    ])
  })
})
