import { refuseNewer } from '../sql/schema-version.js'
import type { Sql } from './client.js'
import type { Clock } from './clock.js'
import type { Connection } from './connection.js'
import { migrations } from './schema.js'

/** Brings the schema to this version, under a lock: of several processes that start together one applies each step. */
export async function migrate(connection: Connection, schema: string, clock: Clock): Promise<void> {
  const current = await connection.read((sql) => schemaVersion(sql, schema))
  if (current === migrations.length) return
  refuseNewer(current, migrations.length)
  await connection.writeSlowly(async (sql) => {
    await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${schema}.migrations`])
    await sql.query(`CREATE SCHEMA IF NOT EXISTS ${schema};
      CREATE TABLE IF NOT EXISTS ${schema}.schema_version (version bigint PRIMARY KEY, applied_at bigint NOT NULL)`)
    const version = await schemaVersion(sql, schema)
    refuseNewer(version, migrations.length)
    for (const [index, step] of migrations.entries()) {
      if (index < version) continue
      await sql.query(step(schema))
      await sql.query(`INSERT INTO ${schema}.schema_version VALUES ($1::bigint, ${clock()})`, [String(index + 1)])
    }
  })
}

/** 0 before the first migration. */
export async function schemaVersion(sql: Sql, schema: string): Promise<number> {
  const [exists] = await sql.query('SELECT to_regclass($1) IS NOT NULL', [`${schema}.schema_version`])
  if (exists?.[0] !== 't') return 0
  const [row] = await sql.query(`SELECT coalesce(max(version), 0) FROM ${schema}.schema_version`)
  return Number(row?.[0])
}
