import { maximumBundle } from '../kit/waiting.js'
import type { RawRow } from './client.js'

/** What a claim looks for; all of it are conditions and values as text. */
export interface Wanted {
  /** Whose deliveries, of the row `d`; said wherever the table is named. */
  readonly whose: string
  /** Which rows are due, of columns without a table. */
  readonly isDue: string
  /** The most of these rows; without it all of them. */
  readonly limit?: string
  readonly now: string
}

/** Whether it is time for a row that nobody has. `early`: it is for those that nobody was handed out yet. */
export function dueNow(now: string, early: boolean): string {
  return `(next_attempt_at <= ${now}${early ? ' OR attempts = 0' : ''}) AND leased_until <= ${now}`
}

/** What a claim changes of a row `t`. */
export function claiming(now: string, leaseMs: string): string {
  return `attempts = t.attempts + 1, fence = t.fence + 1, leased_until = ${now} + ${leaseMs}, claimed_at = ${now},
    first_attempt_at = coalesce(t.first_attempt_at, CASE WHEN t.leased_until > 0 THEN t.claimed_at END)`
}

/**
 * Finds the rows that are due with the bundles they belong to, and locks them in the order they were written, in which everyone locks them. A
 * bundle's rows change together: whoever waited for one of them finds all of them as they were, or none.
 */
export function lockBundles(schema: string, { whose, isDue, limit = 'ALL', now }: Wanted): string {
  return `
    WITH due AS (
      SELECT d.id, d.fence, d.kind, d.destination, d.account_id, d.meter, d.period_starts_at, d.occurred_at / 60000 AS minute, d.bundle
      FROM ${schema}.deliveries d WHERE ${whose} AND ${isDue} ORDER BY d.seq LIMIT ${limit}),
    places AS (
      SELECT DISTINCT destination, account_id, meter, period_starts_at, minute, bundle FROM due WHERE kind = 'metering'),
    found AS (
      SELECT m.id, m.fence FROM places p CROSS JOIN LATERAL (
        SELECT d.id, d.fence FROM ${schema}.deliveries d WHERE ${whose} AND d.destination = p.destination AND d.account_id = p.account_id
          AND d.meter = p.meter AND d.period_starts_at = p.period_starts_at AND d.occurred_at / 60000 = p.minute
          AND d.kind = 'metering' AND d.status = 'pending' AND (d.bundle = p.bundle OR (d.bundle IS NULL AND p.bundle IS NULL))
        ORDER BY d.seq LIMIT ${maximumBundle}) m
      UNION ALL SELECT id, fence FROM due WHERE kind <> 'metering')
    SELECT d.id, d.bundle, d.kind, concat_ws(' ', d.account_id, d.meter, d.period_starts_at, d.occurred_at / 60000)
    FROM ${schema}.deliveries d JOIN found f ON d.id = f.id AND d.fence = f.fence
    WHERE ${whose} AND d.status = 'pending' AND d.leased_until <= ${now} ORDER BY d.seq FOR UPDATE OF d`
}

/** The bundle of each locked row: the one it is in, or one that begins with the first of those that belong together. */
export function bundlesOf(
  locked: readonly RawRow[],
): readonly { readonly id: string; readonly bundle: string | null }[] {
  const firsts = new Map<string, string>()
  return locked.map(([id, bundle, kind, place]) => {
    if (kind !== 'metering') return { id: id ?? '', bundle: null }
    const key = place ?? ''
    if (bundle === null) firsts.set(key, firsts.get(key) ?? id ?? '')
    return { id: id ?? '', bundle: bundle ?? firsts.get(key) ?? null }
  })
}
