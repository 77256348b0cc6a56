import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { lockFolder } from './folder-lock.js'

/** Rows of one kind, in the order they were first put. */
export interface Table<Row> {
  readonly size: number
  get(id: string): Row | undefined
  has(id: string): boolean
  put(id: string, row: Row): void
  delete(id: string): void
  values(): IterableIterator<Row>
}

/** Everything the sandbox remembers. Rows are plain JSON and are replaced, never changed in place. */
export interface Journal {
  table<Row>(name: string): Table<Row>
  /** Runs `work`; its changes are written as one line before it returns, or undone when it throws. */
  commit<Result>(work: () => Result): Result
  /** Within a commit: undoes only the changes of `work` when it throws. */
  attempt<Result>(work: () => Result): Result
  close(): void
}

/** One changed row: table, id, and the row (`null` when deleted). */
type Change = readonly [table: string, id: string, row: unknown]

/** A change and the row it replaced. */
interface Undoable {
  readonly change: Change
  readonly before: unknown
}

const fileName = 'journal.jsonl'
const newline = 0x0a

/**
 * Opens the journal in `dataDir`, or one that lives in memory only.
 *
 * A line holds all changes of one request and is handed to the operating system before the answer is sent, so whatever
 * was acknowledged survives a killed process. Half a line at the end is a request nobody was told about; it is dropped.
 */
export function openJournal(dataDir?: string): Journal {
  const rows = new Map<string, Map<string, unknown>>()
  const path = dataDir === undefined ? undefined : join(dataDir, fileName)
  // Two writers would each lose what the other wrote.
  const unlock = dataDir === undefined ? undefined : lockFolder(dataDir)
  if (path !== undefined) {
    try {
      recover(path, rows)
    } catch (error) {
      unlock?.()
      throw error
    }
  }
  let file = path === undefined ? undefined : openSync(path, 'a')
  let pending: Undoable[] | undefined

  const rowsOf = (name: string) => {
    const existing = rows.get(name)
    if (existing !== undefined) return existing
    const created = new Map<string, unknown>()
    rows.set(name, created)
    return created
  }

  const change = (name: string, id: string, row: unknown) => {
    if (pending === undefined) {
      commit(() => change(name, id, row))
      return
    }
    const table = rowsOf(name)
    pending.push({ change: [name, id, row], before: table.get(id) })
    apply(table, id, row)
  }

  function commit<Result>(work: () => Result): Result {
    if (pending !== undefined) return work()
    const changes: Undoable[] = []
    pending = changes
    try {
      return attempt(() => {
        const result = work()
        if (file !== undefined && changes.length > 0)
          appendLine(
            file,
            changes.map((each) => each.change),
          )
        return result
      })
    } finally {
      pending = undefined
    }
  }

  function attempt<Result>(work: () => Result): Result {
    if (pending === undefined) return commit(work)
    const changes = pending
    const kept = changes.length
    try {
      return work()
    } catch (error) {
      for (const {
        change: [name, id],
        before,
      } of changes.splice(kept).reverse())
        apply(rowsOf(name), id, before ?? null)
      throw error
    }
  }

  return {
    commit,
    attempt,
    table<Row>(name: string): Table<Row> {
      const table = rowsOf(name) as Map<string, Row>
      return {
        get size() {
          return table.size
        },
        get: (id) => table.get(id),
        has: (id) => table.has(id),
        put: (id, row) => change(name, id, row),
        delete: (id) => change(name, id, null),
        values: () => table.values(),
      }
    },
    close() {
      if (file !== undefined) closeSync(file)
      file = undefined
      unlock?.()
    },
  }
}

function apply(table: Map<string, unknown>, id: string, row: unknown): void {
  if (row === null) table.delete(id)
  else table.set(id, row)
}

/** A line that does not fit (full disk) is taken back, so that it does not end up in the middle. */
function appendLine(file: number, changes: readonly Change[]): void {
  const { size } = fstatSync(file)
  try {
    writeLine(file, changes)
  } catch (error) {
    ftruncateSync(file, size)
    throw error
  }
}

function writeLine(file: number, changes: readonly Change[]): void {
  const line = Buffer.from(`${JSON.stringify(changes)}\n`)
  let written = 0
  while (written < line.length) written += writeSync(file, line, written)
}

function recover(path: string, rows: Map<string, Map<string, unknown>>): void {
  if (!existsSync(path)) return
  const content = readFileSync(path)
  const end = content.lastIndexOf(newline) + 1
  if (end < content.length) truncateSync(path, end)
  let lines = 0
  for (let start = 0; start < end; ) {
    const stop = content.indexOf(newline, start)
    lines += 1
    for (const [name, id, row] of parseLine(content.toString('utf8', start, stop), path, lines)) {
      const table = rows.get(name) ?? new Map<string, unknown>()
      rows.set(name, table)
      apply(table, id, row)
    }
    start = stop + 1
  }
  compact(path, rows)
}

function parseLine(line: string, path: string, number: number): readonly Change[] {
  try {
    return JSON.parse(line) as readonly Change[]
  } catch (cause) {
    throw new Error(`Line ${number} of the sandbox journal ${path} is damaged. Remove the folder to start afresh.`, {
      cause,
    })
  }
}

/** Rewrites the file with the rows that are left. The rename is atomic, so a kill here loses nothing. */
function compact(path: string, rows: Map<string, Map<string, unknown>>): void {
  const fresh = `${path}.new`
  const file = openSync(fresh, 'w')
  let batch: Change[] = []
  for (const [name, table] of rows) {
    for (const [id, row] of table) {
      batch.push([name, id, row])
      if (batch.length < 200) continue
      writeLine(file, batch)
      batch = []
    }
  }
  if (batch.length > 0) writeLine(file, batch)
  closeSync(file)
  renameSync(fresh, path)
}
