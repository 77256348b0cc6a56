import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBilling, defineCatalog, parseSparks } from 'billfold'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { afterEach, expect, it } from 'vitest'
import { createConnection } from '../../src/adapters/sqlite/connection.js'
import { type Driver, openDriver } from '../../src/adapters/sqlite/driver.js'
import { sqliteLedger } from '../../src/adapters/sqlite/ledger.js'

const catalog = defineCatalog({ plans: { free: {} } })
const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

/** A ledger with an account that it has used before, on a connection whose statements a test may change. */
async function openUsed(change: (driver: Driver) => Driver) {
  const folder = mkdtempSync(join(tmpdir(), 'billfold-sqlite-'))
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'billing.db')
  const store = sqliteStore({ path })
  const connection = createConnection({
    driver: change(openDriver(path)),
    file: path,
    busyTimeoutMs: 1_000,
    isOwn: true,
  })
  cleanUp.push(() => connection.close())
  const billing = createBilling({ catalog, store: { ...store, ledger: sqliteLedger(connection, Date.now) } })
  cleanUp.push(() => billing.close())
  await billing.accounts.ensure({ accountId: 'acct_1' })
  await billing.credits.grant({ accountId: 'acct_1', amount: '1000', reason: 'gift', idempotencyKey: 'g-1' })
  const use = (idempotencyKey: string) =>
    billing.recordUsage({ accountId: 'acct_1', meter: 'ai_tokens', quantity: 1_000, idempotencyKey })
  await use('u-1')
  await use('u-2')
  return { path, store, billing, use }
}

it('C5 an account that is used again is not read again', async () => {
  let reads = 0
  const counting = (driver: Driver): Driver => ({
    ...driver,
    prepare(sql) {
      const statement = driver.prepare(sql)
      return {
        run: statement.run,
        all(values) {
          if (/FROM billfold_(accounts|credit_grants|counters|budgets)/.test(sql)) reads += 1
          return statement.all(values)
        },
      }
    },
  })
  const { use } = await openUsed(counting)
  reads = 0
  for (let number = 3; number < 10; number += 1) await use(`u-${number}`)
  expect(reads).toBe(0)
})

it('C5 what a COMMIT that failed was to write is forgotten', async () => {
  let failures = 0
  const failing = (driver: Driver): Driver => ({
    ...driver,
    exec(sql) {
      if (sql !== 'COMMIT' || failures === 0) return driver.exec(sql)
      failures -= 1
      driver.exec('ROLLBACK')
      throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' })
    },
  })
  const { store, billing, use } = await openUsed(failing)
  failures = 2
  await use('u-3')
  expect(failures).toBe(0)
  expect((await billing.credits.balance({ accountId: 'acct_1' })).balance).toBe(parseSparks('700'))
  expect(await store.ledger.verify({ accountId: 'acct_1', limit: 10 })).toMatchObject({ findings: [] })
})

it('C5 what somebody else wrote is seen by the next command', async () => {
  const { path, store, billing, use } = await openUsed((driver) => driver)
  const other = createBilling({ catalog, store: sqliteStore({ path }) })
  cleanUp.push(() => other.close())
  for (let number = 3; number < 6; number += 1) {
    await other.recordUsage({
      accountId: 'acct_1',
      meter: 'ai_tokens',
      quantity: 1_000,
      idempotencyKey: `u-other-${number}`,
    })
    await other.credits.grant({
      accountId: 'acct_1',
      amount: '1',
      reason: 'gift',
      idempotencyKey: `g-${number}`,
      priority: -1,
    })
    await use(`u-${number}`)
  }
  expect((await billing.credits.balance({ accountId: 'acct_1' })).balance).toBe(parseSparks('203'))
  expect(await store.ledger.verify({ accountId: 'acct_1', limit: 10 })).toMatchObject({ findings: [] })
})
