import type { UsageFilter } from '../../core/ports/store.js'

/** How a database says what differs between them. */
interface Dialect {
  /** Where the next value is to stand. */
  place(value: string | bigint): string
  /** A dimension of the row, by the place of its name. */
  dimension(name: string): string
  /** The number of the account's newest row that was recorded before the place, or 0. */
  lastBefore(time: string): string
}

const dayMs = 86_400_000

/** The conditions on a row `t` of usage, each beginning with AND. */
export function usageClause(filter: UsageFilter, { place, dimension, lastBefore }: Dialect): string {
  const { meter, model, recordedFrom, recordedTo, withCost } = filter
  const conditions = ['t.meter IS NOT NULL']
  if (!filter.withCorrections) conditions.push('t.corrects IS NULL')
  if (meter !== undefined) conditions.push(`t.meter = ${place(meter)}`)
  if (model !== undefined) conditions.push(`t.model = ${place(model)}`)
  if (filter.holdId !== undefined) conditions.push(`t.hold_id = ${place(filter.holdId)}`)
  if (filter.dimension) conditions.push(`${dimension(place(filter.dimension.name))} = ${place(filter.dimension.value)}`)
  if (withCost) conditions.push('t.cost_usd IS NOT NULL')
  if (recordedTo !== undefined) conditions.push(`t.recorded_at < ${place(BigInt(recordedTo))}`)
  if (recordedFrom !== undefined) {
    conditions.push(`t.recorded_at >= ${place(BigInt(recordedFrom))}`)
    // So that the walk from the newest row ends there, and not at the account's first one. Rows come in order of time, up to what a
    // clock was set back: a day is more than that.
    conditions.push(`t.seq > ${lastBefore(place(BigInt(recordedFrom - dayMs)))}`)
  }
  return conditions.map((condition) => `AND ${condition}`).join(' ')
}
