import { createBilling, defineCatalog } from 'billfold'
import { postgresStore } from 'billfold/adapters/postgres'
import { withClient } from './postgres-server.mjs'

// Our side, as an app would write it: the public API of the built package, doing the work that the yardstick does. An account has
// three open grants and a quota with a limit; a call debits, counts, rolls up and queues a delivery.

/** @typedef {import('./baseline.mjs').Event} Event */
/** @typedef {import('./baseline.mjs').RecordEvent} RecordEvent */
/** @typedef {import('billfold').Store} Store */

export const catalog = defineCatalog({
  meters: { ai_tokens: { unit: 'token', rate: { mode: 'by_cost' } } },
  plans: { metered: { meters: { ai_tokens: { included: '0', limit: '1000000000000' } } } },
})

/** Counts usage, and is never flushed: what is measured is the queueing. */
const meter = {
  id: 'meter',
  metering: {
    dedupeWindowMs: 86_400_000,
    maximumAgeMs: 30 * 86_400_000,
    report: async (/** @type {readonly unknown[]} */ reports) =>
      reports.map(() => ({ status: /** @type {const} */ ('delivered') })),
  },
}

/** @param {Store} store */
export function createProduct(store) {
  return createBilling({ catalog, store, providers: { metering: meter } })
}

/** @typedef {ReturnType<typeof createProduct>} Product */

export const accountOf = (/** @type {number} */ number) => `account-${number}`

/**
 * The event as a call: every fact the yardstick stores, and the cost as text, which the call has to rate.
 *
 * @param {Product} billing
 * @returns {RecordEvent}
 */
export function recordWith(billing) {
  return async (event) => {
    await billing.recordUsage(usageOf(event))
    return 0
  }
}

/** @param {Event} event */
export function usageOf({ a, k, m, t, i, o, c }) {
  return {
    accountId: accountOf(a),
    meter: /** @type {const} */ ('ai_tokens'),
    idempotencyKey: k,
    model: m,
    tokens: { input: i, output: o },
    costUsd: `0.${String(c).padStart(6, '0')}`,
    occurredAt: t,
    ...budgeted,
  }
}

/** The budget of a key, which the yardstick has too. */
const budgeted = { apiKeyId: 'key1' }

/** @param {Product} billing @param {string} accountId */
async function prepareBudget(billing, accountId) {
  await billing.budgets.set({
    accountId,
    scope: budgeted,
    limit: '9000000000000',
    interval: 'month',
    idempotencyKey: 'budget',
  })
}

/**
 * Accounts with three open grants each and a counter that exists.
 *
 * @param {Product} billing
 * @param {number} accounts
 */
export async function prepareAccounts(billing, accounts) {
  const numbers = Array.from({ length: accounts }, (_, index) => index + 1)
  for (let start = 0; start < numbers.length; start += 250) {
    await Promise.all(numbers.slice(start, start + 250).map((number) => prepareAccount(billing, number)))
  }
}

/** @param {Product} billing @param {number} number */
async function prepareAccount(billing, number) {
  const accountId = accountOf(number)
  await billing.accounts.ensure({ accountId })
  const day = 86_400_000
  for (const priority of [1, 2, 3]) {
    await billing.credits.grant({
      accountId,
      amount: '300000000000',
      reason: 'bench',
      priority,
      expiresAt: new Date(Date.now() + 30 * day),
      idempotencyKey: `grant-${priority}`,
    })
  }
  await prepareBudget(billing, accountId)
  await billing.recordUsage({
    ...usageOf({ a: number, k: 'first', m: 'm-small', t: new Date().toISOString(), i: 1, o: 1, c: 1 }),
  })
}

export const benchSchema = 'billfold_bench'

/**
 * Empties a schema, prepares the accounts, and settles what that left for the server to do.
 *
 * @param {string} connectionString
 * @param {number} accounts
 * @param {string} [schema]
 */
export async function resetProduct(connectionString, accounts, schema = benchSchema) {
  await dropProduct(connectionString, schema)
  const billing = openProduct(connectionString, schema)
  await prepareAccounts(billing, accounts)
  await billing.close()
  await withClient(connectionString, async (client) => {
    for (const table of ['accounts', 'credit_grants', 'counters']) await client.query(`ANALYZE ${schema}.${table}`)
    await client.query('CHECKPOINT')
  })
}

/** @param {string} connectionString @param {string} [schema] */
export async function dropProduct(connectionString, schema = benchSchema) {
  await withClient(connectionString, (client) => client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`))
}

/** @param {string} connectionString @param {string} [schema] */
export function openProduct(connectionString, schema = benchSchema) {
  return createProduct(postgresStore({ connectionString, schema }))
}

/** Our side as the yardstick's driver takes it. @param {string} connectionString @returns {Promise<import('./baseline.mjs').Side>} */
export async function openSide(connectionString) {
  const billing = openProduct(connectionString)
  await billing.accounts.get({ accountId: accountOf(1) })
  return { record: recordWith(billing), close: () => billing.close() }
}
