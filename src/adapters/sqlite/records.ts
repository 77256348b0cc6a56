import type { RecordStore, StoredRecord } from '../../core/ports/store.js'
import type { Value } from '../sql/column.js'
import type { Connection } from './connection.js'

const columns = 'id, kind, party, revision, body'

export function sqliteRecords(connection: Connection): RecordStore {
  return {
    get(owner, id) {
      const query = `SELECT ${columns} FROM billfold_records WHERE owner = ? AND id = ?`
      return connection.read((sql) => {
        const row = sql.first(query, owner, id)
        return row ? recordOf(row) : null
      })
    },
    list(owner, { kind, party, limit, before }) {
      const older = 'AND seq < (SELECT seq FROM billfold_records WHERE owner = ? AND id = ?)'
      const query = `SELECT ${columns} FROM billfold_records WHERE owner = ? AND kind = ? AND party = ?
        ${before === undefined ? '' : older} ORDER BY seq DESC LIMIT ?`
      const place = before === undefined ? [] : [owner, before]
      return connection.read((sql) => sql.all(query, owner, kind, party, ...place, BigInt(limit)).map(recordOf))
    },
    write(owner, records) {
      const revisionOf = 'SELECT revision FROM billfold_records WHERE owner = ? AND id = ?'
      const insert = `INSERT INTO billfold_records (owner, ${columns}) VALUES (?, ?, ?, ?, ?, ?)`
      const update = 'UPDATE billfold_records SET revision = ?, body = ? WHERE owner = ? AND id = ?'
      return connection.write((sql) => {
        const isNext = ({ id, revision }: StoredRecord) =>
          Number(sql.first(revisionOf, owner, id)?.[0] ?? 0) + 1 === revision
        if (!records.every(isNext)) return false
        for (const { id, kind, party, revision, body } of records) {
          if (revision === 1) sql.run(insert, owner, id, kind, party, 1n, body)
          else sql.run(update, BigInt(revision), body, owner, id)
        }
        return true
      })
    },
  }
}

function recordOf([id, kind, party, revision, body]: readonly Value[]): StoredRecord {
  return {
    id: String(id),
    kind: String(kind),
    party: String(party),
    revision: Number(revision),
    body: String(body),
  }
}
