import type { Connection } from '../connection.js'
import { versionTriggers } from '../schema.js'

/** The tables that are kept by account, with the column that says which; of these the first leads, and the others lie beside it. */
export const accountTables = [
  { name: 'accounts', key: 'id' },
  ...[
    'ledger_entries',
    'credit_grants',
    'holds',
    'counters',
    'budgets',
    'payments',
    'level_changes',
    'seen_values',
    'rollups',
    'deliveries',
    'events',
  ].map((name) => ({ name, key: 'account_id' })),
]

/** The tables that are looked up over all accounts: every node has a copy. No usage writes them. */
export const referenceTables = [
  'account_links',
  'price_cards',
  'pulled',
  'pull_positions',
  'records',
  'subscriptions',
  'inbox',
  'checkout_intents',
  'api_keys',
]

/** Tables whose key is an id in itself, which gets the account added. */
const keyedById = ['deliveries', 'events']

const appendOnly = 'ledger_entries'

/**
 * What distributes the store's tables over the nodes of Citus, to be run once by hand; `migrate()` of a store that is `distributed` runs
 * the same where it is missing. Citus knows no triggers on distributed tables: the ledger is append-only by the owner's own privileges then, and
 * a store that is not distributed must not write beside others.
 *
 * @example for (const statement of distributionStatements('billfold')) await client.query(statement)
 * @see https://docs.citusdata.com/en/stable/develop/api_udf.html
 */
export function distributionStatements(schema = 'billfold'): readonly string[] {
  return [
    ...keyedById.map((name) => rekey(schema, name)),
    ...referenceTables.map((name) => makeReference(schema, name)),
    ...accountTables.flatMap((table) => distributeTable(schema, table)),
  ]
}

function rekey(schema: string, name: string): string {
  return `ALTER TABLE ${schema}.${name} DROP CONSTRAINT ${name}_pkey, ADD CONSTRAINT ${name}_pkey PRIMARY KEY (id, account_id)`
}

function makeReference(schema: string, name: string): string {
  return `SELECT create_reference_table('${schema}.${name}')`
}

function distributeTable(schema: string, { name, key }: (typeof accountTables)[number]): readonly string[] {
  const beside = name === 'accounts' ? 'none' : `${schema}.accounts`
  const distribute = `SELECT create_distributed_table('${schema}.${name}', '${key}', colocate_with => '${beside}')`
  const drop = (trigger: string) => `DROP TRIGGER IF EXISTS ${trigger} ON ${schema}.${name}`
  if (name !== appendOnly) return [...(versionTriggers[name] ?? []).map(drop), distribute]
  return [
    drop(`${name}_append_only`),
    distribute,
    `REVOKE UPDATE, DELETE, TRUNCATE ON ${schema}.${name} FROM PUBLIC, CURRENT_USER`,
  ]
}

/** Brings the keys, and on Citus the tables, to where they belong; harmless to repeat, and of several processes one does each step. */
export async function distribute(connection: Connection, schema: string): Promise<void> {
  for (const name of keyedById) {
    const columns = `SELECT indnkeyatts FROM pg_index WHERE indrelid = $1::regclass AND indisprimary`
    await step(connection, schema, columns, `${schema}.${name}`, '2', [rekey(schema, name)])
  }
  const hasCitus = await connection.read((sql) => sql.query("SELECT 1 FROM pg_extension WHERE extname = 'citus'"))
  if (hasCitus.length === 0) return
  const isThere = 'SELECT count(*) FROM pg_dist_partition WHERE logicalrelid = $1::regclass'
  for (const name of referenceTables)
    await step(connection, schema, isThere, `${schema}.${name}`, '1', [makeReference(schema, name)])
  for (const table of accountTables)
    await step(connection, schema, isThere, `${schema}.${table.name}`, '1', distributeTable(schema, table))
}

/** Runs the statements unless the question about the table is answered so already. */
async function step(
  connection: Connection,
  schema: string,
  question: string,
  table: string,
  wanted: string,
  statements: readonly string[],
): Promise<void> {
  const [before] = await connection.read((sql) => sql.query(question, [table]))
  if (before?.[0] === wanted) return
  await connection.writeSlowly(async (sql) => {
    await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${schema}.migrations`])
    const [now] = await sql.query(question, [table])
    if (now?.[0] === wanted) return
    for (const statement of statements) await sql.query(statement)
  })
}
