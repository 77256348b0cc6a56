import { refuseNewer } from '../sql/schema-version.js'
import type { Connection, Sql } from './connection.js'
import { migrations } from './schema.js'

/** Brings the schema to this version, in one transaction: two processes that start together apply each step once. */
export async function migrate(connection: Connection, now: () => number): Promise<void> {
  const current = await connection.read(schemaVersion)
  if (current === migrations.length) return
  refuseNewer(current, migrations.length)
  await connection.write((sql) => {
    sql.exec(
      'CREATE TABLE IF NOT EXISTS billfold_schema (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT',
    )
    const version = schemaVersion(sql)
    refuseNewer(version, migrations.length)
    for (const [index, step] of migrations.entries()) {
      if (index < version) continue
      sql.exec(step)
      sql.run('INSERT INTO billfold_schema (version, applied_at) VALUES (?, ?)', BigInt(index + 1), BigInt(now()))
    }
  })
}

/** 0 before the first migration. */
export function schemaVersion(sql: Sql): number {
  const exists = sql.all("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'billfold_schema'").length > 0
  if (!exists) return 0
  return Number(sql.first('SELECT coalesce(max(version), 0) FROM billfold_schema')?.[0])
}
