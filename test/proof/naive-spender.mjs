/**
 * Spends in ways that look right and are not, from tables of their own: what the harness must see overspend. Told and answering as
 * `spender.mjs`.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import Database from 'libsql'
import pg from 'pg'

const { where } = JSON.parse(process.argv[2] ?? '{}')
const { query, schema } = 'path' in where ? openSqlite() : await openPostgres()

/** Ten each. @type {Record<string, (account: string) => Promise<boolean>>} */
const debits = {
  async 'write what was computed'(account) {
    const balance = Number(await query(`SELECT balance AS n FROM ${schema}accounts WHERE id = '${account}'`))
    if (balance < 10) return false
    await query(`UPDATE ${schema}accounts SET balance = ${balance - 10} WHERE id = '${account}'`)
    return true
  },
  async 'check, then subtract'(account) {
    await query('BEGIN ISOLATION LEVEL READ COMMITTED')
    const isEnough = Number(await query(`SELECT balance AS n FROM ${schema}accounts WHERE id = '${account}'`)) >= 10
    if (isEnough) await query(`UPDATE ${schema}accounts SET balance = balance - 10 WHERE id = '${account}'`)
    await query('COMMIT')
    return isEnough
  },
  'sum the ledger': (account) => sumAndInsert(account, 'READ COMMITTED'),
  'sum the ledger in one state': (account) => sumAndInsert(account, 'REPEATABLE READ'),
}

/** @param {string} account @param {string} isolation */
async function sumAndInsert(account, isolation) {
  await query(`BEGIN ISOLATION LEVEL ${isolation}`)
  const sum = `SELECT COALESCE(SUM(amount), 0) AS n FROM ${schema}ledger WHERE account = '${account}'`
  const isEnough = Number(await query(sum)) >= 10
  if (isEnough) await query(`INSERT INTO ${schema}ledger VALUES ('${account}', -10)`)
  await query('COMMIT')
  return isEnough
}

for await (const line of createInterface({ input: process.stdin })) {
  const { open, accountId, method, times } = JSON.parse(line)
  /** @type {Record<string, number>} */
  const ends = {}
  if (open) {
    await query(`INSERT INTO ${schema}accounts VALUES ('${accountId}', 1000)`)
    await query(`INSERT INTO ${schema}ledger VALUES ('${accountId}', 1000)`)
  } else {
    for (let index = 0; index < times; index += 1) {
      const end = (await debits[method]?.(accountId)) ? 'accepted' : 'insufficient_credits'
      ends[end] = (ends[end] ?? 0) + 1
    }
  }
  writeSync(1, `${JSON.stringify(ends)}\n`)
}

async function openPostgres() {
  const client = new pg.Client({ connectionString: where.connectionString })
  await client.connect()
  const query = async (/** @type {string} */ sql) => (await client.query(sql)).rows[0]?.n
  return { query, schema: `${where.schema}.` }
}

function openSqlite() {
  const database = new Database(where.path, { timeout: 60_000 })
  const query = async (/** @type {string} */ sql) => {
    if (!sql.startsWith('SELECT')) return void database.exec(sql)
    return /** @type {{ n: number }} */ (database.prepare(sql).get()).n
  }
  return { query, schema: 'naive_' }
}
