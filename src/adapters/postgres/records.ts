import { BillingError } from '../../core/errors.js'
import type { RecordStore, StoredRecord } from '../../core/ports/store.js'
import { checkText } from '../sql/column.js'
import type { RawRow, Sql } from './client.js'
import type { Connection } from './connection.js'
import type { Tables } from './tables.js'

const columns = 'id, kind, party, revision, body'
/** Undoes the transaction of a write that somebody else was faster than. */
const overtaken = new BillingError('account_busy', 'Somebody else wrote one of these records.')

export function postgresRecords(connection: Connection, { schema }: Tables): RecordStore {
  const relation = `${schema}.records`

  async function writeAll(sql: Sql, owner: string, records: readonly StoredRecord[]): Promise<void> {
    const insert = `INSERT INTO ${relation} (owner, ${columns}) VALUES ($1, $2, $3, $4, 1, $5)
      ON CONFLICT DO NOTHING RETURNING id`
    const update = `UPDATE ${relation} SET revision = $3::bigint, body = $4
      WHERE owner = $1 AND id = $2 AND revision = $3::bigint - 1 RETURNING id`
    for (const { id, kind, party, revision, body } of records) {
      // What somebody else was about to commit is waited for, and is then in the way.
      const written =
        revision === 1
          ? await sql.query(insert, [owner, id, kind, party, body].map(checkText))
          : await sql.query(update, [owner, id, String(revision), checkText(body)])
      if (written.length === 0) throw overtaken
    }
  }

  return {
    async get(owner, id) {
      const query = `SELECT ${columns} FROM ${relation} WHERE owner = $1 AND id = $2`
      const [row] = await connection.read((sql) => sql.query(query, [owner, id]))
      return row ? recordOf(row) : null
    },
    async list(owner, { kind, party, limit, before }) {
      const older = `AND seq < (SELECT seq FROM ${relation} WHERE owner = $1 AND id = $5)`
      const query = `SELECT ${columns} FROM ${relation} WHERE owner = $1 AND kind = $2 AND party = $3
        ${before === undefined ? '' : older} ORDER BY seq DESC LIMIT $4::bigint`
      const values = [owner, kind, party, String(limit), ...(before === undefined ? [] : [before])]
      return (await connection.read((sql) => sql.query(query, values))).map(recordOf)
    },
    async write(owner, records) {
      // In one order, so that two processes that write the same never wait for each other in a circle.
      const ordered = records.toSorted((left, right) => (left.id < right.id ? -1 : 1))
      try {
        await connection.write((sql) => writeAll(sql, checkText(owner), ordered))
        return true
      } catch (error) {
        if (error === overtaken) return false
        throw error
      }
    },
  }
}

function recordOf([id, kind, party, revision, body]: RawRow): StoredRecord {
  return { id: id ?? '', kind: kind ?? '', party: party ?? '', revision: Number(revision), body: body ?? '' }
}
