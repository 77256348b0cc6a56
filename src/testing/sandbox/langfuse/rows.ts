import type { Table } from '../journal.js'
import type { StoredObservation } from './observations.js'
import type { ObservationRow } from './otlp.js'

/** How long Langfuse takes until something is seen. */
export interface LangfuseDelays {
  /** Until what was written, or what it was changed to, can be read. */
  readonly readMs: number
  /** Until of two rows of an observation the older is gone. */
  readonly mergeMs: number
}

/** Stores a row, or what it is now; the row before stays in sight until the new one can be read and both are merged. */
export function putRow(
  table: Table<StoredObservation>,
  row: ObservationRow,
  nowMs: number,
  visibleAtMs: number,
  { mergeMs }: LangfuseDelays,
): void {
  const key = keyOf(row)
  const { previous: _, ...before } = table.get(key) ?? { previous: null }
  const at = new Date(nowMs).toISOString()
  const isNew = !('createdAt' in before)
  table.put(key, {
    ...row,
    visibleAtMs,
    createdAt: isNew ? at : before.createdAt,
    updatedAt: at,
    previous: isNew ? null : { row: before, goneAtMs: visibleAtMs + mergeMs },
  })
}

/** The rows that can be read now. */
export function* readableRows(rows: Iterable<StoredObservation>, nowMs: number): Iterable<StoredObservation> {
  for (const row of rows) {
    const { previous } = row
    if (row.visibleAtMs <= nowMs) yield row
    if (previous && nowMs < previous.goneAtMs && previous.row.visibleAtMs <= nowMs)
      yield { ...previous.row, previous: null }
  }
}

/** The same span sent again replaces the row, but only with the same start: another one makes a second row. */
function keyOf({ traceId, id, startNanos }: ObservationRow): string {
  return `${traceId} ${id} ${startNanos}`
}
