import type { Settlement } from '../../core/ports/store.js'
import { maximumBundle } from '../kit/waiting.js'
import { arrayOf } from './table.js'
import type { Tables } from './tables.js'

// Both statements name their rows by key alone where they lock and change them, and take one piece of work after the other: what belongs
// together is never searched among all that waits. Rows are locked in the order they were written, in which everyone locks them.

/** What a claim looks for; all of it are conditions and values as text. */
export interface Wanted {
  /** Which rows are due, of columns without a table. */
  readonly isDue: string
  /** The most of these rows. */
  readonly limit: string
  readonly now: string
  readonly leaseMs: string
}

/**
 * Whether it is time for a row that nobody has. `early`: it is for those that nobody was handed out yet. With an account it is for all of
 * its rows, and of no other's.
 */
export function dueNow(now: string, early: boolean, account: string | null = null): string {
  const isTime = `(next_attempt_at <= ${now}${early ? ' OR attempts = 0' : ''})`
  return `${account === null ? isTime : isOwn(account)} AND leased_until <= ${now}`
}

/** Whether a row is of this account. An expression, so that what waits is looked up by its destination, which nothing else is as short as. */
export function isOwn(account: string): string {
  return `account_id || '' = ${account}`
}

/** Whether no other event of the account waits longer at the destination, of the types that are wanted. */
export function isFirst(schema: string, of: string, types: string): string {
  return `AND NOT EXISTS (SELECT 1 FROM ${schema}.deliveries e WHERE e.destination = ${of}.destination AND e.account_id = ${of}.account_id
    AND e.status = 'pending' AND e.kind = 'event' AND e.seq < ${of}.seq AND (${types}::text[] IS NULL OR e.event_type = ANY(${types}::text[])))`
}

/**
 * The members there can be of a bundle, in their order: deliveries of the place that `of` names, which is an account's meter in a minute
 * of a period. Their status is an expression: as a column it would offer the planner the index of all that waits for the destination,
 * which looks as good to one who expects a row or two, and is far too long.
 */
function together(schema: string, of: string, bundle: string): string {
  return `SELECT d.id, d.seq, d.fence FROM ${schema}.deliveries d WHERE d.destination = ${of}.destination
    AND d.account_id = ${of}.account_id AND d.occurred_at / 60000 = ${of}.minute AND d.meter = ${of}.meter
    AND d.period_starts_at = ${of}.period_starts_at AND d.kind = 'metering' AND d.status || '' = 'pending'
    AND d.bundle IS NOT DISTINCT FROM ${bundle} ORDER BY d.seq LIMIT ${maximumBundle}`
}

/**
 * Claims the rows that are due with the bundles they belong to, and answers each bundle as one. Its sum is of the rows that were locked: a
 * bundle's rows change together, so whoever waited for one of them finds all of them as they were, or none.
 */
export function claimBundles({ schema, claimed }: Tables, { isDue, limit, now, leaseMs }: Wanted): string {
  return `
    WITH due AS MATERIALIZED (
      SELECT d.id, d.seq, d.fence, d.kind, d.destination, d.account_id, d.meter, d.period_starts_at, d.occurred_at / 60000 AS minute, d.bundle
      FROM ${schema}.deliveries d WHERE ${isDue} ORDER BY d.seq LIMIT ${limit}),
    places AS MATERIALIZED (
      SELECT row_number() OVER () AS place, p.* FROM (
        SELECT DISTINCT destination, account_id, meter, period_starts_at, minute, bundle FROM due WHERE kind = 'metering') p),
    found AS MATERIALIZED (
      SELECT p.place, m.id, m.seq, m.fence FROM places p CROSS JOIN LATERAL (
        ${together(schema, 'p', 'p.bundle')}) m
      UNION ALL SELECT -seq, id, seq, fence FROM due WHERE kind <> 'metering'
      ORDER BY 3),
    locked AS MATERIALIZED (
      SELECT f.place, l.* FROM found f CROSS JOIN LATERAL (
        SELECT d.id, d.seq, d.kind, d.sparks, d.occurred_at FROM ${schema}.deliveries d WHERE d.id = f.id
          AND d.fence = f.fence AND d.status = 'pending' AND d.leased_until <= ${now} FOR UPDATE) l),
    numbered AS MATERIALIZED (
      SELECT id, kind, row_number() OVER w AS number, first_value(id) OVER w AS first, sum(sparks) OVER w AS sparks,
        max(occurred_at) OVER w AS occurred_at, count(*) OVER w AS members
      FROM locked WINDOW w AS (PARTITION BY place ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)),
    changed AS (
      UPDATE ${schema}.deliveries t SET attempts = t.attempts + 1, fence = t.fence + 1, leased_until = ${now} + ${leaseMs}, claimed_at = ${now},
        first_attempt_at = coalesce(t.first_attempt_at, CASE WHEN t.leased_until > 0 THEN t.claimed_at END),
        bundle = CASE WHEN n.kind = 'metering' THEN coalesce(t.bundle, n.first) END
      FROM numbered n WHERE t.id = n.id
      RETURNING n.number, t.seq, coalesce(t.bundle, t.id) AS id, t.account_id, t.destination, t.kind, t.meter, t.period_starts_at, n.sparks,
        n.occurred_at, CASE WHEN t.bundle IS NULL THEN t.entry_ids ELSE '' END AS entry_ids, t.created_at, t.event_id, t.bundle, t.attempts,
        t.fence, t.first_attempt_at, n.members)
    SELECT ${claimed.columns}, t.seq FROM changed t WHERE t.number = 1 ORDER BY t.seq`
}

/** What becomes of claimed deliveries; all of it are values as text, arrays but for the time. */
export interface Settled {
  readonly now: string
  /** Ids, fences, statuses, waits, whether they may have arrived (1) or not, and errors. */
  readonly values: readonly [string, string, string, string, string, string]
}

/** Settles what was claimed, each bundle with all of its members, and answers the ids of what was still held, and the time. */
export function settleBundles(schema: string, { now, values }: Settled): string {
  const [ids, fences, statuses, waits, arrived, errors] = values
  return `
    WITH ended AS MATERIALIZED (
      SELECT s.*, d.kind, d.seq, d.destination, d.account_id, d.meter, d.period_starts_at, d.occurred_at / 60000 AS minute
      FROM unnest(${ids}::text[], ${fences}::bigint[], ${statuses}::text[], ${waits}::bigint[], ${arrived}::bigint[], ${errors}::text[])
        s (id, fence, status, wait, arrived, error)
      CROSS JOIN LATERAL (SELECT * FROM ${schema}.deliveries d WHERE d.id = s.id) d),
    found AS MATERIALIZED (
      SELECT m.id AS member, m.seq, e.id, e.fence, e.status, e.wait, e.arrived, e.error FROM ended e CROSS JOIN LATERAL (
        ${together(schema, 'e', 'e.id')}) m
      UNION ALL SELECT id, seq, id, fence, status, wait, arrived, error FROM ended WHERE kind <> 'metering'
      ORDER BY 2),
    changed AS (
      UPDATE ${schema}.deliveries t SET status = f.status, next_attempt_at = ${now} + f.wait, leased_until = 0, error = f.error,
        first_attempt_at = coalesce(t.first_attempt_at, CASE WHEN f.arrived = 1 THEN t.claimed_at END)
      FROM found f WHERE t.id = f.member AND t.fence = f.fence AND t.status || '' = 'pending' AND t.leased_until <> 0
      RETURNING f.id)
    SELECT id, ${now} FROM changed GROUP BY id`
}

/** The values of `settleBundles`, in its order. */
export function settledValues(settlements: readonly Settlement[]): readonly string[] {
  return [
    arrayOf(settlements.map(({ id }) => id)),
    arrayOf(settlements.map(({ fence }) => BigInt(fence))),
    arrayOf(settlements.map(({ status }) => status)),
    arrayOf(settlements.map(({ retryInMs }) => BigInt(retryInMs ?? 0))),
    arrayOf(settlements.map(({ mayHaveArrived }) => (mayHaveArrived ? 1n : 0n))),
    arrayOf(settlements.map(({ error }) => error)),
  ]
}
