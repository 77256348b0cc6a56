import { type AddressInfo, connect, createServer } from 'node:net'
import { type BillingError, createBilling, defineCatalog, parseSparks } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from './postgres-server.js'

const catalog = defineCatalog({ plans: { free: {} } })
let server: PostgresServer
let admin: pg.Pool
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

let schemas = 0
function newSchema(): string {
  schemas += 1
  return `p${process.pid}_${Date.now().toString(36)}_${schemas}`
}

function billingAt(options: Partial<Parameters<typeof postgresStore>[0]> = {}) {
  const store = postgresStore({ connectionString: server.connectionString, schema: newSchema(), ...options })
  const billing = createBilling({ catalog, store, environment: { onError: () => {} } })
  cleanUp.push(() => billing.close())
  return billing
}

const use = (key: string) => ({
  accountId: 'acct_1',
  meter: 'ai_tokens' as const,
  quantity: 1_000,
  idempotencyKey: key,
})

it.each(['', 'billing.db', 'mysql://host/db', 7])('refuses %j as a connection string', (connectionString) => {
  expect(() => postgresStore({ connectionString: connectionString as string })).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
})

it.each(['', 'Billing', 'a;drop', 'a"b', 'x'.repeat(60)])('refuses %j as a schema', (schema) => {
  expect(() => postgresStore({ connectionString: server.connectionString, schema })).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
})

it('says that a server cannot be reached, and that trying again may help', async () => {
  const billing = billingAt({ connectionString: 'postgres://nobody@127.0.0.1:9/none' })
  const failure: BillingError = await billing.accounts.ensure({ accountId: 'acct_1' }).catch((error) => error)
  expect(failure).toMatchObject({ code: 'storage_unavailable', retryable: true, outcome: 'not_applied' })
})

it.each([
  ['a wrong password', { password: 'wrong' }],
  ['a database that is not there', { pathname: '/nowhere' }],
] as const)('says that it cannot work with %s', async (_, wrong) => {
  const address = Object.assign(new URL(server.connectionString), wrong)
  const billing = billingAt({ connectionString: address.href })
  const failure = await billing.accounts.ensure({ accountId: 'acct_1' }).catch((error) => error)
  expect(failure).toMatchObject({ code: 'config_invalid', retryable: false, outcome: 'not_applied' })
})

it.each([
  ['prepared', 'one after another', {}, true],
  ['prepared', 'without waiting', { pipeline: true }, true],
  ['not prepared', 'one after another', {}, false],
  ['not prepared', 'without waiting', { pipeline: true }, false],
] as const)('a pool of the app has statements %s and sends them %s', async (_, __, settings, prepare) => {
  const pool = new pg.Pool({ connectionString: server.connectionString, max: 1, ...settings })
  pool.on('error', () => {})
  cleanUp.push(() => pool.end())
  const billing = createBilling({ catalog, store: postgresStore({ pool, schema: newSchema(), prepare }) })
  cleanUp.push(() => billing.close())
  await billing.accounts.ensure({ accountId: 'acct_1' })
  const keys = ['u-1', 'u-2', 'u-3', 'u-1']
  const recorded = await Promise.all(keys.map((key) => billing.recordUsage(use(key))))
  expect(recorded.map(({ status }) => status)).toEqual(['recorded', 'recorded', 'recorded', 'duplicate'])
  expect((await billing.recordUsage(use('u-2'))).status).toBe('duplicate')
  const { rows } = await pool.query(
    "SELECT current_setting('enable_seqscan') AS scan, count(*) AS names FROM pg_prepared_statements",
  )
  expect(rows[0].scan).toBe('on')
  expect(Number(rows[0].names) > 0).toBe(prepare)
})

it('says that a transaction which the server ended for taking too long may be tried again', async () => {
  const schema = newSchema()
  await billingAt({ schema }).accounts.ensure({ accountId: 'acct_1' })
  const address = new URL(server.connectionString)
  address.searchParams.set('options', '-c transaction_timeout=200')
  const billing = billingAt({ connectionString: address.href, schema })
  const other = await admin.connect()
  await other.query(`BEGIN; SELECT 1 FROM ${schema}.accounts FOR UPDATE`)
  const failure = await billing.recordUsage(use('u-1')).catch((error) => error)
  await other.query('COMMIT')
  other.release()
  expect(failure).toMatchObject({ code: 'storage_unavailable', retryable: true, outcome: 'not_applied' })
  expect((await billing.recordUsage(use('u-1'))).status).toBe('recorded')
})

it('refuses a server that may lose what was acknowledged', async () => {
  const pool = new pg.Pool({ connectionString: server.connectionString, options: '-c synchronous_commit=off' })
  cleanUp.push(() => pool.end())
  const store = postgresStore({ pool, schema: newSchema() })
  await expect(store.migrate()).rejects.toMatchObject({ code: 'config_invalid' })
})

it('C5 the database itself refuses to change, delete or truncate ledger rows', async () => {
  const schema = newSchema()
  const billing = billingAt({ schema })
  await billing.accounts.ensure({ accountId: 'acct_1' })
  await billing.recordUsage(use('u-1'))
  for (const change of ['UPDATE %s SET amount = 0', 'DELETE FROM %s', 'TRUNCATE %s'])
    await expect(admin.query(change.replace('%s', `${schema}.ledger_entries`))).rejects.toThrow(/never changed/)
})

it('keeps 64-bit integers exact whatever parsers the app has set for its own queries', async () => {
  const parser = pg.types.getTypeParser(20)
  pg.types.setTypeParser(20, Number)
  cleanUp.push(() => pg.types.setTypeParser(20, parser))
  const billing = billingAt()
  await billing.accounts.ensure({ accountId: 'acct_1' })
  const amount = 2n ** 62n + 1n
  await billing.credits.grant({ accountId: 'acct_1', amount, kind: 'paid', reason: 'large', idempotencyKey: 'g-1' })
  expect((await billing.credits.balance({ accountId: 'acct_1' })).balance).toBe(amount)
})

it('S2.3 connections that are cut in the middle of a burst lose nothing and double nothing', async () => {
  const schema = newSchema()
  const billing = billingAt({ schema })
  await billing.accounts.ensure({ accountId: 'acct_1' })
  const keys = Array.from({ length: 1_500 }, (_, index) => `u-${index}`)
  let isDone = false
  let cuts = 0
  const cutter = (async () => {
    while (!isDone) {
      const { rows } = await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND state <> 'idle' AND (query LIKE '%${schema}%' OR query LIKE 'COMMIT%')`)
      cuts += rows.length
      await new Promise((resolve) => setTimeout(resolve, 60))
    }
  })()
  const waiting = [...keys]
  const work = async (): Promise<void> => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
      const request = use(key)
      // A client whose call failed calls again with the same key.
      for (;;) {
        const result = await billing.recordUsage(request).catch((error: BillingError) => error)
        if ('sparks' in result) break
        expect(result.code).toBe('storage_unavailable')
      }
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  isDone = true
  await cutter
  expect(cuts).toBeGreaterThan(3)
  const { rows } = await admin.query(`SELECT count(*)::int AS count FROM ${schema}.ledger_entries`)
  expect(rows[0]).toEqual({ count: keys.length })
  expect((await billing.credits.balance({ accountId: 'acct_1' })).debt).toBe(1_500n * parseSparks('100'))
})

it('S2.3 a network that says nothing any more holds up nobody for longer than the deadline', async () => {
  const target = new URL(server.connectionString)
  let isSilent = false
  const proxy = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    near.on('data', (chunk) => isSilent || far.write(chunk)).on('error', () => far.destroy())
    far.on('data', (chunk) => isSilent || near.write(chunk)).on('error', () => near.destroy())
    near.on('close', () => far.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  cleanUp.push(() => proxy.close())
  const { port } = proxy.address() as AddressInfo
  const connectionString = server.connectionString.replace(`:${target.port}/`, `:${port}/`)
  const billing = billingAt({ connectionString, timeoutMs: 500 })
  await billing.accounts.ensure({ accountId: 'acct_1' })
  await billing.recordUsage(use('before'))
  isSilent = true
  const during = Promise.all([1, 2, 3].map((index) => billing.recordUsage(use(`during-${index}`))))
  await new Promise((resolve) => setTimeout(resolve, 700))
  isSilent = false
  await during
  await billing.recordUsage(use('after'))
  expect((await billing.credits.balance({ accountId: 'acct_1' })).balance).toBe(-5n * parseSparks('100'))
})

it('S2.3 a connection that the server ends before its first use is an error of the call, and not of the process', async () => {
  const target = new URL(server.connectionString)
  const fields = ['SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection due to administrator command', ''].join('\0')
  const length = Buffer.alloc(4)
  length.writeInt32BE(fields.length + 5)
  const ended = Buffer.concat([Buffer.from('E'), length, Buffer.from(`${fields}\0`)])
  let connections = 0
  const proxy = createServer((near) => {
    connections += 1
    let isFirst = connections === 1
    const far = connect(Number(target.port), target.hostname)
    near.on('data', (chunk) => far.write(chunk)).on('error', () => far.destroy())
    near.on('close', () => far.destroy())
    far.on('error', () => near.destroy())
    far.on('data', (chunk) => {
      const isReady = isFirst && chunk.subarray(-6, -1).equals(Buffer.from([0x5a, 0, 0, 0, 5]))
      if (isReady) near.end(Buffer.concat([chunk, ended]))
      else near.write(chunk)
      isFirst &&= !isReady
    })
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  cleanUp.push(() => proxy.close())
  const { port } = proxy.address() as AddressInfo
  const billing = billingAt({ connectionString: server.connectionString.replace(`:${target.port}/`, `:${port}/`) })
  const uncaught: unknown[] = []
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => uncaught.push(error))
  try {
    const failure = await billing.accounts.ensure({ accountId: 'acct_1' }).catch((error: BillingError) => error)
    expect(failure).toMatchObject({ code: 'storage_unavailable', retryable: true })
    expect(await billing.accounts.ensure({ accountId: 'acct_1' })).toMatchObject({ id: 'acct_1' })
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
  }
  expect(uncaught).toEqual([])
})

it('says that it is closed', async () => {
  const store = postgresStore({ connectionString: server.connectionString, schema: newSchema() })
  await store.migrate()
  await store.close()
  await store.close()
  await expect(store.accounts.get('acct_1')).rejects.toMatchObject({ code: 'storage_unavailable', retryable: false })
})

it('C4 D3 what a claim and its settlement cost follows from what is handed out, and not from all that waits', async () => {
  const schema = newSchema()
  const store = postgresStore({ connectionString: server.connectionString, schema })
  cleanUp.push(() => store.close())
  await store.migrate()
  const rows = 20_000
  // A young table, whose statistics nobody has gathered.
  await admin.query(`ALTER TABLE ${schema}.deliveries SET (autovacuum_enabled = off)`)
  await admin.query(
    `INSERT INTO ${schema}.deliveries (id, account_id, destination, kind, meter, period_starts_at, sparks, occurred_at, entry_ids, created_at, next_attempt_at)
     SELECT 'dlv_' || n, 'account-' || n % 1000, 'meters', 'metering', 'ai_tokens', 0, 1, 60000 + n % 1000, '', 0, 0 FROM generate_series(1, $1::int) n`,
    [rows],
  )
  const began = performance.now()
  let members = 0
  for (let turn = 0; turn < 5; turn += 1) {
    const claimed = await store.outbox.claim('meters', { limit: 100, leaseMs: 60_000 })
    for (const each of claimed) members += each.members
    const ended = { status: 'delivered', retryInMs: null, mayHaveArrived: true, error: null, event: null } as const
    const settled = await store.outbox.settle(claimed.map(({ id, fence }) => ({ ...ended, id, fence })))
    expect(settled).toHaveLength(100)
  }
  expect(members).toBe(rows / 2)
  const { rows: left } = await admin.query(`SELECT count(*)::int FROM ${schema}.deliveries WHERE status = 'pending'`)
  expect(left).toEqual([{ count: rows / 2 }])
  // Comparing each of them with all that waits takes minutes.
  expect(performance.now() - began).toBeLessThan(10_000)
})
