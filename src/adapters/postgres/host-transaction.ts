import { BillingError } from '../../core/errors.js'
import { type PostgresClient, type Sql, sqlOf } from './client.js'
import { stateOf, storageError } from './errors.js'
import { type Setting, sendAll, setLocal } from './planner.js'

/** What working in a transaction of the app needs. */
export interface HostTransactionOptions {
  /** Whether statements are prepared under a name. */
  readonly prepare: boolean
  /** How long the work may take, in milliseconds. */
  readonly timeoutMs: number
  /** How long a statement of it may wait for a lock. */
  readonly lockTimeoutMs: number
  /** What else it sets while the work goes on. */
  readonly settings: readonly Setting[]
  /** What else is told to the transaction. */
  readonly time: () => readonly Setting[]
  /** Whether settings are sent each by itself. */
  readonly isApart: boolean
}

type Client = Pick<PostgresClient, 'query' | 'pipeline'>

/** What goes on in each transaction: savepoints of calls that run at the same time must not cross. */
const queues = new WeakMap<Client, Promise<unknown>>()

/**
 * Runs in a transaction that the app began, under a savepoint: when it fails, the transaction goes on as if it had not been tried. The
 * settings of the transaction are what they were afterwards.
 *
 * @throws BillingError `invalid_request`, `invalid_state`, `option_unsupported` when this is no transaction to work in
 */
export function inHostTransaction<T>(
  transaction: object,
  work: (sql: Sql) => Promise<T>,
  options: HostTransactionOptions,
): Promise<T> {
  if (!isClient(transaction)) {
    const message = '`transaction` must be a client of pg, in a transaction that was begun on it: it has no `query`.'
    return Promise.reject(new BillingError('invalid_request', message))
  }
  const before = queues.get(transaction) ?? Promise.resolve()
  const done = before.then(() => inTime(transaction, work, options))
  queues.set(
    transaction,
    done.catch(() => {}),
  )
  return done
}

function isClient(transaction: object): transaction is Client {
  return 'query' in transaction && typeof transaction.query === 'function'
}

/** A client whose answers are looked at: other things run queries too, and answer in their own ways. */
function answering(client: Client): Client {
  return {
    pipeline: client.pipeline === true,
    async query(query) {
      const answer: unknown = await client.query(query)
      if (typeof answer === 'object' && answer !== null) return answer as { rows: unknown[] }
      throw notAClient()
    },
  }
}

function notAClient(cause?: unknown): BillingError {
  const message = '`transaction` does not answer as a client of pg does: pass the client itself.'
  return new BillingError('invalid_request', message, { cause })
}

/** A connection of the app is not ours to close: when it is silent, nothing more is sent. */
function inTime<T>(client: Client, work: (sql: Sql) => Promise<T>, options: HostTransactionOptions): Promise<T> {
  const { query } = sqlOf(answering(client), options.prepare)
  return new Promise((resolve, reject) => {
    let isOver = false
    const timer = setTimeout(() => {
      isOver = true
      const message = `PostgreSQL has not answered within ${options.timeoutMs} ms: roll the transaction back.`
      reject(new BillingError('storage_unavailable', message, { outcome: 'unknown' }))
    }, options.timeoutMs)
    const sql: Sql = {
      query: (text, values) => (isOver ? Promise.reject(new Error('The time is over.')) : query(text, values)),
    }
    underSavepoint(sql, work, options)
      .finally(() => clearTimeout(timer))
      .then(resolve, reject)
  })
}

async function underSavepoint<T>(
  sql: Sql,
  work: (sql: Sql) => Promise<T>,
  { lockTimeoutMs, settings, time, isApart }: HostTransactionOptions,
): Promise<T> {
  await begin(sql)
  let isOver = false
  const working: Sql = {
    query: (text, values) => (isOver ? Promise.reject(new Error('The savepoint is gone.')) : sql.query(text, values)),
  }
  try {
    const changed: readonly Setting[] = [...settings, ['lock_timeout', String(lockTimeoutMs)]]
    const before = await readSettings(
      sql,
      changed.map(([name]) => name),
    )
    await sendAll(sql, setLocal([...changed, ...time()]), isApart)
    const result = await work(working)
    // In the reverse order: the first one may say where the others hold.
    await sendAll(sql, [...setLocal([...before].reverse()), 'RELEASE SAVEPOINT billfold'], isApart)
    return result
  } catch (error) {
    isOver = true
    await sql.query('ROLLBACK TO SAVEPOINT billfold; RELEASE SAVEPOINT billfold').catch(() => {})
    throw hostError(error)
  }
}

/** Only a transaction takes a savepoint: the server knows best whether this is one. */
async function begin(sql: Sql): Promise<void> {
  try {
    await sql.query('SAVEPOINT billfold')
  } catch (error) {
    const state = stateOf(error)
    if (state === '25P01') {
      const message =
        '`transaction` is not in a transaction: begin one on the client, and pass the client, not its pool.'
      throw new BillingError('invalid_request', message, { cause: error })
    }
    if (state === '25P02')
      throw new BillingError('invalid_state', 'The transaction has failed before: roll it back.', { cause: error })
    const known = hostError(error)
    throw BillingError.is(known) ? known : notAClient(error)
  }
}

/** How the settings stand that are changed. @throws BillingError when the transaction would not see what it must, or cannot write */
async function readSettings(sql: Sql, changed: readonly string[]): Promise<readonly Setting[]> {
  const names = ['transaction_isolation', 'transaction_read_only', ...changed]
  const rows: unknown = await sql.query(`SELECT ${names.map((name) => `current_setting('${name}', true)`).join(', ')}`)
  const row: unknown = Array.isArray(rows) ? rows[0] : undefined
  if (!Array.isArray(row) || row.length !== names.length) throw notAClient()
  const [isolation, readOnly, ...values] = row as (string | null)[]
  // Above READ COMMITTED a transaction sees the books as they were when it began, not as they are once the account is locked.
  if (isolation !== 'read committed') {
    const message = `Usage is recorded in transactions at READ COMMITTED, and this one is at ${isolation?.toUpperCase()}.`
    throw new BillingError('option_unsupported', message)
  }
  if (readOnly === 'on') throw new BillingError('invalid_request', 'The transaction is read-only.')
  return changed.map((name, index) => [name, values[index] ?? ''])
}

function hostError(error: unknown): unknown {
  if (/^(3F000|42P01|42501)$/.test(stateOf(error))) {
    const message = "The transaction is not on the store's database, or its user may not write there."
    return new BillingError('config_invalid', message, { cause: error })
  }
  return storageError(error, 'not_applied')
}
