import { type BillingError, createBilling, defineCatalog, parseSparks } from 'billfold'
import { distributionStatements, type PostgresPool, postgresStore } from 'billfold/adapters/postgres'
import { type StoreConformanceSubject, storeConformance } from 'billfold/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accountTables, referenceTables } from '../../src/adapters/postgres/distributed/schema.js'
import { versionTriggers } from '../../src/adapters/postgres/schema.js'
import { brokenRules, type Sent } from './key-rule.js'
import { postgresSchemas } from './postgres-schemas.js'
import { type PostgresServer, startPostgres } from './postgres-server.js'

const catalog = defineCatalog({
  meters: { ai_tokens: { unit: 'token', rate: { mode: 'per_unit', sparks: '100', per: '1000' } } },
  plans: { free: {} },
})
const placement = {
  schemas: /^d\d+_/,
  accountTables: new Map(accountTables.map(({ name, key }) => [name, key])),
  referenceTables: new Set(referenceTables),
}

let server: PostgresServer
let pool: pg.Pool
const schemas = postgresSchemas('d', () => pool)
/** What was sent on a connection between its being taken and given back. */
const sent: Sent[][] = []

beforeAll(async () => {
  server = await startPostgres()
  pool = new pg.Pool({ connectionString: server.connectionString, max: 60 })
  pool.on('error', () => {})
})
afterAll(async () => {
  await pool?.end()
  await server?.stop()
})

/** A client whose statements are kept. */
function watched<Client extends Pick<pg.PoolClient, 'query'>>(client: Client): Client {
  const statements: Sent[] = []
  sent.push(statements)
  return new Proxy(client, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (name !== 'query') return typeof value === 'function' ? value.bind(target) : value
      return (query: string | Sent) => {
        statements.push(typeof query === 'string' ? { text: query } : query)
        return target.query(query as never)
      }
    },
  })
}

const watchedPool: PostgresPool = {
  connect: async () => watched(await pool.connect()) as never,
  end: async () => {},
}

type Options = Parameters<StoreConformanceSubject['open']>[0]

async function openAt(schema: string, options: Options = {}) {
  const store = postgresStore({ pool: watchedPool, schema, distributed: true, ...options })
  await store.migrate()
  return store
}

function billingOn(store: ReturnType<typeof postgresStore>) {
  return createBilling({ catalog, store, environment: { onError: () => {} } })
}

const failureOf = (call: Promise<unknown>): Promise<BillingError> =>
  call.then(
    () => Promise.reject(new Error('it was accepted')),
    (error) => error,
  )

const subject: StoreConformanceSubject = {
  clock: 'given',
  open: (options) => openAt(schemas.take(), options),
  async reopen(store, options) {
    const schema = (await store.health()).details.schema ?? ''
    await store.close()
    return openAt(schema, options)
  },
  second: async (store, options) => openAt((await store.health()).details.schema ?? '', options),
}

describe('postgresStore with a transaction for each account', () => {
  for (const { name, skip, run } of storeConformance(subject))
    (skip === undefined ? it.concurrent : it.skip)(`C5 ${name}`, () => schemas.during(run))
})

describe('a service on a distributed store', () => {
  it('S2.3 C5 keeps exact books of many accounts, whose calls come mixed, from two processes', async () => {
    const schema = schemas.take()
    const stores = [await openAt(schema), await openAt(schema)]
    const services = stores.map(billingOn)
    const [first] = services
    if (!first) throw new Error('there is no service')
    const accounts = Array.from({ length: 12 }, (_, index) => `acct_${index}`)
    for (const accountId of accounts) {
      await first.accounts.ensure({ accountId })
      const amount = parseSparks('1000')
      await first.credits.grant({ accountId, amount, kind: 'paid', reason: 'start', idempotencyKey: 'start' })
    }
    const calls = Array.from({ length: 600 }, (_, index) => {
      const accountId = accounts[(index * 7) % accounts.length] ?? ''
      const service = services[index % 2] ?? first
      const idempotencyKey = `u-${Math.floor(index / 2 / accounts.length)}`
      const onInsufficient = 'refuse' as const
      return service.recordUsage({ accountId, meter: 'ai_tokens', quantity: 1_000, idempotencyKey, onInsufficient })
    })
    const ended = await Promise.allSettled(calls)
    const codes = ended.map((end) => (end.status === 'fulfilled' ? end.value.status : end.reason.code))
    expect(new Set(codes)).toEqual(new Set(['recorded', 'duplicate', 'insufficient_credits']))
    expect(codes.filter((code) => code === 'recorded')).toHaveLength(10 * accounts.length)
    for (const accountId of accounts) expect((await first.credits.balance({ accountId })).balance).toBe(0n)
    expect(await first.verifyLedger()).toMatchObject({ checked: { accounts: accounts.length }, findings: [] })
    for (const service of services) await service.close()
  })

  it('S2.3 one refused account takes no other with it, and a missing one is said to be missing', async () => {
    const service = billingOn(await openAt(schemas.take()))
    await service.accounts.ensure({ accountId: 'acct_1' })
    const use = (accountId: string) =>
      service.recordUsage({ accountId, meter: 'ai_tokens', quantity: 1_000, idempotencyKey: 'u' })
    const [known, missing] = await Promise.allSettled([use('acct_1'), use('acct_none')])
    expect(known).toMatchObject({ value: { status: 'recorded' } })
    expect(missing).toMatchObject({ reason: { code: 'not_found' } })
    await service.close()
  })

  it('S2.3 records in a transaction of the app, which delays only its account', async () => {
    const schema = schemas.take()
    const service = billingOn(await openAt(schema))
    for (const accountId of ['acct_1', 'acct_2']) await service.accounts.ensure({ accountId })
    const transaction = await pool.connect()
    const use = (accountId: string, idempotencyKey: string, change = {}) =>
      service.recordUsage({ accountId, meter: 'ai_tokens', quantity: 1_000, idempotencyKey, ...change })
    try {
      await transaction.query('BEGIN')
      await transaction.query("SET LOCAL lock_timeout = '1234ms'")
      const joined = await use('acct_1', 'u-1', { transaction: watched(transaction) })
      expect(joined.status).toBe('pending_commit')
      const { rows } = await transaction.query('SHOW lock_timeout')
      expect(rows).toEqual([{ lock_timeout: '1234ms' }])
      const waits = failureOf(use('acct_1', 'u-2'))
      for (let index = 0; index < 20; index += 1) expect((await use('acct_2', `u-${index}`)).status).toBe('recorded')
      expect((await waits).code).toBe('account_busy')
      await transaction.query('COMMIT')
    } finally {
      await transaction.query('ROLLBACK')
      transaction.release()
    }
    expect((await use('acct_1', 'u-1')).status).toBe('duplicate')
    expect((await service.verifyLedger()).findings).toEqual([])
    await service.close()
  })

  it('C5 verifies the books of accounts that are not there, too', async () => {
    const schema = schemas.take()
    const service = billingOn(await openAt(schema))
    await service.accounts.ensure({ accountId: 'acct_1' })
    await service.recordUsage({ accountId: 'acct_1', meter: 'ai_tokens', quantity: 1_000, idempotencyKey: 'u' })
    await pool.query(
      `UPDATE ${schema}.accounts SET balance = balance + 1; UPDATE ${schema}.rollups SET account_id = 'x'`,
    )
    const { findings } = await service.verifyLedger()
    expect(new Set(findings.map(({ accountId }) => accountId))).toEqual(new Set(['acct_1', 'x']))
    expect(findings.some(({ check }) => check === 'known_account')).toBe(true)
    await service.close()
  })
})

describe('the key rule', () => {
  it('C5 holds for every statement that was sent', () => {
    const texts = new Set(sent.flat().map(({ text }) => text))
    for (const table of [...placement.accountTables.keys(), ...placement.referenceTables])
      expect(
        [...texts].some((text) => text.includes(`.${table} `)),
        table,
      ).toBe(true)
    expect(texts.size).toBeGreaterThan(100)
    expect(sent.flatMap((statements) => brokenRules(statements, placement)).slice(0, 5)).toEqual([])
  })

  const schema = 'd0_0'
  const values = ['a', 'b']
  const writing = (...texts: string[]): Sent[] =>
    ['BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE', ...texts, 'COMMIT'].map((text) => ({ text, values }))
  it.each([
    ['rows of any account', `SELECT * FROM ${schema}.holds`],
    ['rows of several accounts', `SELECT * FROM ${schema}.holds WHERE account_id = ANY($1)`],
    ['rows of one account or other rows', `SELECT * FROM ${schema}.holds WHERE account_id = $1 OR id = $2`],
    ['the account on an expression', `SELECT * FROM ${schema}.ledger_entries t WHERE t.account_id || '' = $1`],
    [
      'a table that is only joined',
      `SELECT * FROM ${schema}.holds h JOIN ${schema}.counters c ON c.account_id = h.account_id WHERE h.account_id = $1`,
    ],
    [
      'a part of a union',
      `SELECT 1 FROM ${schema}.holds WHERE account_id = $1 UNION ALL SELECT 1 FROM ${schema}.budgets`,
    ],
    [
      'a query within',
      `SELECT (SELECT sum(remaining) FROM ${schema}.credit_grants g WHERE g.account_id = t.id) FROM ${schema}.accounts t WHERE t.id = $1`,
    ],
    ['locks of several accounts', `SELECT id FROM ${schema}.accounts WHERE id = ANY($1) FOR UPDATE`],
    ['locks of a copied table', `SELECT * FROM ${schema}.checkout_intents WHERE id = $1 FOR UPDATE`],
    ['locks that are skipped', `SELECT * FROM ${schema}.deliveries WHERE account_id = $1 FOR UPDATE SKIP LOCKED`],
    ['a change without the account', `UPDATE ${schema}.deliveries SET status = $1 WHERE id = $2`],
    [
      'a change by a list',
      `UPDATE ${schema}.counters t SET used = 0 FROM unnest($1::text[]) n (a) WHERE t.account_id = n.a`,
    ],
    [
      'a function in what is returned',
      `UPDATE ${schema}.holds SET status = 'x' WHERE account_id = $1 RETURNING statement_timestamp()`,
    ],
    ['a row that moves', `UPDATE ${schema}.holds SET account_id = $2 WHERE account_id = $1`],
    [
      'rows that are not listed',
      `INSERT INTO ${schema}.events (id, account_id) SELECT * FROM unnest($1::text[], $2::text[])`,
    ],
    ['rows of two accounts', `INSERT INTO ${schema}.events (account_id, id) VALUES ($1, '1'), ($2, '2')`],
    [
      'a conflict with any account',
      `INSERT INTO ${schema}.events (account_id, id) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`,
    ],
    ['writing in a common table', `WITH w AS (DELETE FROM ${schema}.holds WHERE account_id = $1) SELECT 1`],
    [
      'a crossing that writes',
      `/* across accounts: deliveries that are due */ UPDATE ${schema}.holds SET status = 'x'`,
    ],
    ['a crossing beside writes', `/* across accounts: deliveries that are due */ SELECT * FROM ${schema}.holds`],
  ])('C5 is broken by %s', (_, text) => {
    expect(brokenRules(writing(text), placement)).not.toEqual([])
  })

  it('C5 is broken by a setting beside other statements, with which it would be passed on', () => {
    const text = (...texts: string[]) => texts.map((text) => ({ text }))
    const [begin, set] = ['BEGIN', "SET LOCAL lock_timeout = '1s'"]
    expect(brokenRules(text(begin, set, 'COMMIT'), placement)).toEqual([])
    expect(brokenRules(text(`${begin}; ${set}`, 'COMMIT'), placement)).toHaveLength(1)
  })

  it('C5 is broken by two accounts in a transaction, by copied tables written beside one, and by new crossings', () => {
    const hold = (place: number) => `SELECT * FROM ${schema}.holds t WHERE t.account_id = $${place}`
    expect(brokenRules(writing(hold(1), hold(1)), placement)).toEqual([])
    expect(brokenRules([...writing(hold(1)), ...writing(hold(2))], placement)).toEqual([])
    expect(brokenRules(writing(hold(1), hold(2)), placement)).toHaveLength(1)
    const insert = `INSERT INTO ${schema}.price_cards (version, card) VALUES ($1, $2)`
    expect(brokenRules(writing(insert), placement)).toEqual([])
    expect(brokenRules(writing(hold(1), insert), placement)).toHaveLength(1)
    const [, ...rest] = writing(`/* across accounts: whatever */ SELECT * FROM ${schema}.holds`)
    const begin = { text: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' }
    expect(brokenRules([begin, ...rest], placement)).toEqual(['an unknown crossing: whatever'])
  })
})

describe('the schema of a distributed store', () => {
  /** Which a distributed table cannot have. */
  const triggers = ['ledger_entries_append_only', ...Object.values(versionTriggers).flat()].map(
    (name) => `trigger ${name}`,
  )

  /** What Citus refuses to distribute, or could not keep. */
  async function faultsOf(schema: string): Promise<readonly string[]> {
    const { rows: tables } = await pool.query('SELECT tablename AS name FROM pg_tables WHERE schemaname = $1', [schema])
    const known = new Set([...placement.accountTables.keys(), ...placement.referenceTables, 'schema_version'])
    const { rows: indexes } = await pool.query(
      `SELECT i.indexrelid::regclass::text AS name, t.relname AS of,
        array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = ANY(i.indkey::int2[])) AS columns
       FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
       WHERE n.nspname = $1 AND (i.indisunique OR i.indisexclusion)`,
      [schema],
    )
    const { rows: others } = await pool.query(
      `SELECT 'foreign key ' || conname AS fault FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
         WHERE n.nspname = $1 AND contype = 'f'
       UNION ALL SELECT 'trigger ' || g.tgname FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
         JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = $1 AND NOT g.tgisinternal`,
      [schema],
    )
    return [
      ...tables.filter(({ name }) => !known.has(name)).map(({ name }) => `table ${name} is placed nowhere`),
      ...indexes
        .filter(
          ({ of, columns }) => placement.accountTables.has(of) && !columns.includes(placement.accountTables.get(of)),
        )
        .map(({ name }) => `unique ${name}`),
      ...others.map(({ fault }) => fault),
    ]
  }

  it('C5 has the account in every unique key, and no foreign key; the triggers go when it is distributed', async () => {
    const schema = schemas.take()
    await openAt(schema)
    expect(await faultsOf(schema)).toEqual(expect.arrayContaining(triggers))
    for (const statement of distributionStatements(schema))
      if (!/^SELECT create_/.test(statement) && !/^ALTER/.test(statement)) await pool.query(statement)
    expect(await faultsOf(schema)).toEqual([])
  })

  it('C5 is made out of the one of a store that is not, once, and by the statements that are printed', async () => {
    const schema = schemas.take()
    const plain = postgresStore({ pool, schema })
    await plain.migrate()
    expect(await faultsOf(schema)).toHaveLength(triggers.length + 2)
    await Promise.all(Array.from({ length: 4 }, () => openAt(schema)))
    expect(await faultsOf(schema)).toHaveLength(triggers.length)
    const printed = schemas.take()
    await postgresStore({ pool, schema: printed }).migrate()
    for (const statement of distributionStatements(printed))
      if (!/^SELECT create_/.test(statement)) await pool.query(statement)
    expect(await faultsOf(printed)).toEqual([])
  })

  it('C5 each table is distributed by its account beside the accounts, or copied, once', () => {
    const created = distributionStatements('billing').filter((statement) => /^SELECT create_/.test(statement))
    expect(created).toContain(`SELECT create_distributed_table('billing.accounts', 'id', colocate_with => 'none')`)
    expect(created).toContain(
      `SELECT create_distributed_table('billing.ledger_entries', 'account_id', colocate_with => 'billing.accounts')`,
    )
    expect(created).toContain(`SELECT create_reference_table('billing.inbox')`)
    expect(created).toHaveLength(placement.accountTables.size + placement.referenceTables.size)
  })
})
