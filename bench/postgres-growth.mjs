import { createHash } from 'node:crypto'
import { medianOf, percentile, ratioOf, repeat } from './figures.mjs'
import { withClient } from './postgres-server.mjs'
import { accountOf, dropProduct, openProduct, recordWith, resetProduct } from './product.mjs'

// What a long ledger costs: two ledgers, one ten times the other, measured in turn.

/** @typedef {import('./figures.mjs').Bench} Bench */
/** @typedef {import('./figures.mjs').Repetition} Repetition */
/** @typedef {import('./figures.mjs').Benchmark} Benchmark */

const accounts = 1_000
const callers = 1_024

/** @param {string} measure @param {readonly Repetition[]} runs @param {{ of: string, to: string, figure: string, goal: number, floor: number }} ratio */
const part = (measure, runs, ratio) => ratioOf({ measure, runs, ...ratio })

/** @type {readonly Benchmark[]} */
export const postgresGrowth = [
  growth('P12', 'cost per event in a large ledger / in a small one', 'lower', (runs, sizes) => [
    part(`keys in any order, ${sizes}`, runs, {
      of: 'large, any order',
      to: 'small, any order',
      figure: 'cost',
      goal: 1.2,
      floor: 1.5,
    }),
    part(`keys in order of time, ${sizes}`, runs, {
      of: 'large, in order',
      to: 'small, in order',
      figure: 'cost',
      goal: 1.05,
      floor: 1.2,
    }),
  ]),
  growth('P13', 'events/s in a large ledger, keys in order of time / in any order', 'higher', (runs, sizes) => [
    part(`events/s, ${sizes}`, runs, {
      of: 'large, in order',
      to: 'large, any order',
      figure: 'ops',
      goal: 1.5,
      floor: 1.2,
    }),
    // As bytes allowed / bytes written, since more is worse.
    {
      ...part(`650 bytes / bytes of WAL per event with keys in order of time, ${sizes}`, runs, {
        of: 'wal',
        to: 'large, in order',
        figure: 'wal',
        goal: 1,
        floor: 650 / 900,
      }),
      ratio: 650 / medianOf(runs, 'large, in order', 'wal'),
      runs: runs.map((run) => ({ 'large, in order': run['large, in order'] ?? {} })),
    },
  ]),
  growth('P14', 'p50 of a read in a large ledger / in a small one', 'lower', (runs, sizes) => [
    part(`balance, ${sizes}`, runs, {
      of: 'large, reads',
      to: 'small, reads',
      figure: 'balance',
      goal: 1.5,
      floor: 2.5,
    }),
    part(`summary of 30 days, ${sizes}`, runs, {
      of: 'large, reads',
      to: 'small, reads',
      figure: 'summary',
      goal: 1.5,
      floor: 2.5,
    }),
  ]),
  growth('P15', 'summary of 30 days of one account, p50 of a scan of its rows / ours', 'higher', (runs, sizes) => [
    part(sizes, runs, { of: 'large, scan', to: 'large, reads', figure: 'summary', goal: 50, floor: 20 }),
  ]),
]

/**
 * @param {string} id
 * @param {string} title
 * @param {'higher' | 'lower'} better
 * @param {(runs: readonly Repetition[], sizes: string) => readonly import('./figures.mjs').Part[]} partsOf
 * @returns {Benchmark}
 */
function growth(id, title, better, partsOf) {
  return {
    id,
    title,
    better,
    slow: true,
    async run(bench) {
      const [small = 0, large = 0] = bench.rows
      const sizes = `ledgers of ${large.toLocaleString('en-US')} and ${small.toLocaleString('en-US')} rows`
      const runs = await bench.once('growth', () => measure(bench, { small, large }))
      return { parts: partsOf(runs, sizes), notes: [`Ran with ${sizes}; the goals are for 10,000,000 and 1,000,000.`] }
    },
  }
}

/** @param {Bench} bench @param {{ small: number, large: number }} sizes */
async function measure(bench, sizes) {
  const { connectionString } = await bench.postgres()
  const ledgers = Object.entries(sizes).map(([name, rows]) => ({ name, rows, schema: `billfold_bench_${name}` }))
  try {
    for (const { name, rows, schema } of ledgers) {
      const start = performance.now()
      await resetProduct(connectionString, accounts, schema)
      await withClient(connectionString, (client) => fill(client, schema, rows))
      bench.log(`${name} ledger: ${rows} rows in ${Math.round((performance.now() - start) / 1_000)} s`)
    }
    return await repeat(bench.reps, async (rep) => {
      /** @type {Record<string, Readonly<Record<string, number>>>} */
      const run = {}
      for (const { name, schema } of ledgers) {
        run[`${name}, any order`] = await driveInto(bench, schema, (key) => key)
        run[`${name}, in order`] = await driveInto(bench, schema, timeOrdered())
        run[`${name}, reads`] = await readFrom(connectionString, schema)
      }
      run['large, scan'] = { summary: await scan(connectionString, 'billfold_bench_large') }
      bench.log(`growth, ${rep + 1} of ${bench.reps}: ${JSON.stringify(run)}`)
      return run
    })
  } finally {
    for (const { schema } of ledgers) await dropProduct(connectionString, schema)
  }
}

/** What one row of the filling takes, in micro-sparks: whole Sparks, so that nothing is carried. */
const taken = 100_000_000n

/** What differs from row to row of the filling, whose moments lie in the last 29 days; `n` counts rows. Everything else is copied. */
const filled = {
  id: "'use_' || to_char(n, 'FM000000000000000000')",
  account_id: "'account-' || (1 + n % $3)",
  key: "'filled-' || n",
  dedupe: "decode(md5('filled' || n), 'hex')",
  amount: `${-taken}`,
  sparks: `${taken}`,
  quantity: '1000000000',
  balance_after: `e.balance_after - ${taken} * (1 + n / $3)`,
  occurred_at: '$4::bigint - 2505600000 + (2505600000::numeric * n / $5::bigint)::bigint',
  recorded_at: '$4::bigint - 2505600000 + (2505600000::numeric * n / $5::bigint)::bigint',
  model: "(ARRAY['m-small', 'm-large', 'm-embed', 'm-vision', 'm-mini'])[1 + n % 5]",
}

/**
 * Adds rows in sets: each account's first usage again and again, with running balances that are true, and afterwards the balances,
 * grants, counters and rollups that go with them. Stored answers are those of the row that was copied.
 *
 * @param {import('pg').Client} client
 * @param {string} schema
 * @param {number} rows
 */
async function fill(client, schema, rows) {
  const columns = await columnsOf(client, schema, 'ledger_entries')
  const values = columns.map(({ name, type }) => {
    if (name === 'dedupe' && type === 'uuid') return "md5('filled' || n)::uuid"
    return name in filled ? filled[/** @type {keyof typeof filled} */ (name)] : `e.${name}`
  })
  const names = columns.map(({ name }) => name).join(', ')
  await client.query(`CREATE TEMP TABLE first AS SELECT * FROM ${schema}.ledger_entries WHERE operation = 'usage'`)
  await client.query('CREATE UNIQUE INDEX ON first (account_id)')
  await client.query('ANALYZE first')
  const now = Date.now()
  for (let start = 0; start < rows; start += 1_000_000) {
    const end = Math.min(rows, start + 1_000_000) - 1
    await client.query(
      `INSERT INTO ${schema}.ledger_entries (${names})
       SELECT ${values.join(', ')} FROM generate_series($1::bigint, $2::bigint) n
       JOIN first e ON e.account_id = 'account-' || (1 + n % $3::bigint) ORDER BY n`,
      [start, end, accounts, now, rows],
    )
  }
  const total = `${taken} * ($1::bigint / ${accounts})`
  await client.query(`UPDATE ${schema}.accounts SET balance = balance - ${total}`, [rows])
  await client.query(
    `UPDATE ${schema}.credit_grants g SET remaining = remaining - ${total}
     FROM (SELECT account_id, min(id) AS id FROM ${schema}.credit_grants GROUP BY account_id) f
     WHERE g.account_id = f.account_id AND g.id = f.id`,
    [rows],
  )
  await client.query(`UPDATE ${schema}.counters SET used = used + 1000000000 * ($1::bigint / ${accounts})`, [rows])
  await fillRollups(client, schema)
  for (const table of ['ledger_entries', 'rollups', 'accounts', 'credit_grants', 'counters'])
    await client.query(`VACUUM ANALYZE ${schema}.${table}`)
  await client.query('DROP TABLE first')
}

/** What a rollup sums; its other numbers are those of an account's first event for each of its events. */
const summed = {
  account_id: 'f.account_id',
  day: 'f.day',
  model: 'f.model',
  events: 'f.events',
  quantity: 'f.quantity',
  sparks: 'f.sparks',
}

/** Makes the rollups anew out of the ledger. @param {import('pg').Client} client @param {string} schema */
async function fillRollups(client, schema) {
  const columns = await columnsOf(client, schema, 'rollups')
  const values = columns.map(({ name, type }) => {
    if (name in summed) return summed[/** @type {keyof typeof summed} */ (name)]
    return type === 'int8' ? `e.${name} * f.events` : `e.${name}`
  })
  await client.query(`CREATE TEMP TABLE first_sums AS SELECT DISTINCT ON (account_id) * FROM ${schema}.rollups`)
  await client.query(`DELETE FROM ${schema}.rollups`)
  await client.query(
    `INSERT INTO ${schema}.rollups (${columns.map(({ name }) => name).join(', ')})
     SELECT ${values.join(', ')} FROM (
       SELECT account_id, to_char(to_timestamp(occurred_at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, model,
         count(*) AS events, sum(quantity) AS quantity, sum(sparks) AS sparks
       FROM ${schema}.ledger_entries WHERE operation = 'usage' GROUP BY 1, 2, 3) f
     JOIN first_sums e ON e.account_id = f.account_id`,
  )
  await client.query('DROP TABLE first_sums')
}

/** @param {import('pg').Client} client @param {string} schema @param {string} table @returns {Promise<readonly { name: string, type: string }[]>} */
async function columnsOf(client, schema, table) {
  const { rows } = await client.query(
    `SELECT column_name AS name, udt_name AS type FROM information_schema.columns
     WHERE table_schema = $1 AND table_name = $2 AND is_identity = 'NO' AND is_generated = 'NEVER'`,
    [schema, table],
  )
  return rows
}

/** @param {Bench} bench @param {string} schema @param {(key: string) => string} keyOf */
async function driveInto(bench, schema, keyOf) {
  const { connectionString } = await bench.postgres()
  const { drive } = await bench.baseline()
  const billing = openProduct(connectionString, schema)
  await billing.accounts.get({ accountId: accountOf(1) })
  const record = recordWith(billing)
  let events = 0
  const before = await withClient(connectionString, async (client) => {
    await client.query('CHECKPOINT')
    return walPosition(client)
  })
  const driven = await drive(
    (event) => {
      events += 1
      return record({ ...event, k: keyOf(event.k) })
    },
    { conc: callers, ms: bench.ms, accounts },
  )
  await billing.close()
  if (driven.err > 0) throw new Error(`${driven.err} calls failed in ${schema}.`)
  const after = await withClient(connectionString, walPosition)
  return { ...driven, cost: 1e6 / driven.ops, wal: (after - before) / events }
}

/** @param {import('pg').Client} client @returns {Promise<number>} */
async function walPosition(client) {
  const { rows } = await client.query("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS position")
  return rows[0].position
}

/** Makes a key a UUIDv7 of now, as an app does whose request ids are in order of time. @returns {(key: string) => string} */
function timeOrdered() {
  let count = 0
  return (key) => {
    count = (count + 1) % 4_096
    const time = Date.now().toString(16).padStart(12, '0')
    const random = createHash('sha256').update(key).digest('hex')
    const order = count.toString(16).padStart(3, '0')
    return `${time.slice(0, 8)}-${time.slice(8)}-7${order}-8${random.slice(0, 3)}-${random.slice(3, 15)}`
  }
}

/** @param {string} connectionString @param {string} schema */
async function readFrom(connectionString, schema) {
  const billing = openProduct(connectionString, schema)
  const [from, to] = monthUntilNow()
  const balance = await p50(500, (index) => billing.credits.balance({ accountId: accountOf(1 + (index % accounts)) }))
  const summary = await p50(200, (index) =>
    billing.usage.summary({ accountId: accountOf(1 + (index % accounts)), from, to }),
  )
  await billing.close()
  return { balance, summary }
}

/** The same sums out of the ledger's rows. @param {string} connectionString @param {string} schema */
function scan(connectionString, schema) {
  const [from, to] = monthUntilNow().map((day) => Date.parse(day))
  return withClient(connectionString, (client) =>
    p50(10, (index) =>
      client.query(
        `SELECT occurred_at / 86400000, meter, model, count(*), sum(quantity), sum(sparks) FROM ${schema}.ledger_entries
         WHERE account_id || '' = $1 AND occurred_at >= $2 AND occurred_at < $3 GROUP BY 1, 2, 3`,
        [accountOf(1 + ((index * 37) % accounts)), from, to],
      ),
    ),
  )
}

/** @param {number} count @param {(index: number) => Promise<unknown>} read */
async function p50(count, read) {
  for (let index = 0; index < 5; index += 1) await read(index)
  const lengths = await repeat(count, async (index) => {
    const start = performance.now()
    await read(index)
    return performance.now() - start
  })
  return percentile(lengths, 0.5)
}

/** @returns {[string, string]} */
function monthUntilNow() {
  const day = (/** @type {number} */ offset) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10)
  return [day(-29), day(1)]
}
