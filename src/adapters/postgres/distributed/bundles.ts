import { maximumBundle } from '../../kit/waiting.js'
import { type DeliveryRow, stateOf } from '../../sql/delivery-rows.js'

// Citus changes no rows in a common table expression: what is claimed or settled is locked and named first, and changed by a statement of
// its own, all in the transaction of one account.

/** Locks the account's deliveries among `$2` that are due, with the bundles they belong to, in the order they were written. */
export function lockDue(schema: string, isDue: string, now: string): string {
  return `
    WITH due AS (
      SELECT d.id, d.kind, d.destination, d.meter, d.period_starts_at, d.occurred_at / 60000 AS minute, d.bundle
      FROM ${schema}.deliveries d WHERE d.account_id = $1 AND d.id = ANY($2::text[]) AND ${isDue}),
    places AS (SELECT DISTINCT destination, meter, period_starts_at, minute, bundle FROM due WHERE kind = 'metering'),
    found AS (
      SELECT m.id FROM places p CROSS JOIN LATERAL (
        SELECT d.id FROM ${schema}.deliveries d WHERE d.account_id = $1 AND d.destination = p.destination
          AND d.occurred_at / 60000 = p.minute AND d.meter = p.meter AND d.period_starts_at = p.period_starts_at
          AND d.kind = 'metering' AND d.status || '' = 'pending' AND (d.bundle = p.bundle OR (d.bundle IS NULL AND p.bundle IS NULL))
        ORDER BY d.seq LIMIT ${maximumBundle}) m
      UNION ALL SELECT id FROM due WHERE kind <> 'metering')
    SELECT d.id, d.bundle, d.kind, concat_ws(' ', d.destination, d.meter, d.period_starts_at, d.occurred_at / 60000)
    FROM ${schema}.deliveries d WHERE d.account_id = $1 AND d.id IN (SELECT f.id FROM found f)
      AND d.status = 'pending' AND d.leased_until <= ${now} ORDER BY d.seq FOR UPDATE OF d`
}

/** Claims what is locked: ids and bundles are `$2` and `$3`. */
export function claimLocked(schema: string, columns: string, now: string): string {
  return `UPDATE ${schema}.deliveries t SET attempts = t.attempts + 1, fence = t.fence + 1, leased_until = ${now} + $4::bigint,
      claimed_at = ${now}, first_attempt_at = coalesce(t.first_attempt_at, CASE WHEN t.leased_until > 0 THEN t.claimed_at END),
      bundle = c.bundle
    FROM unnest($2::text[], $3::text[]) c (id, bundle) WHERE t.account_id = $1 AND t.id = c.id RETURNING ${columns}, t.seq`
}

/** Locks what is settled under the ids `$2`, each bundle with all of its members, and says of each row which id that was. */
export function lockSettled(schema: string): string {
  return `
    WITH named AS (
      SELECT d.id, d.kind, d.destination, d.occurred_at / 60000 AS minute
      FROM ${schema}.deliveries d WHERE d.account_id = $1 AND d.id = ANY($2::text[])),
    found AS (
      SELECT m.id FROM named n JOIN ${schema}.deliveries m ON m.account_id = $1 AND m.destination = n.destination
        AND m.occurred_at / 60000 = n.minute AND m.kind = 'metering' AND m.status || '' = 'pending' AND m.bundle = n.id
      UNION ALL SELECT n.id FROM named n WHERE n.kind <> 'metering')
    SELECT d.id, coalesce(d.bundle, d.id) FROM ${schema}.deliveries d
    WHERE d.account_id = $1 AND d.id IN (SELECT f.id FROM found f) ORDER BY d.seq FOR UPDATE OF d`
}

/** Settles what is locked, where its claim still holds: the values are arrays, in the order of their names, and the ids those of rows. */
export function settleLocked(schema: string, now: string): string {
  return `UPDATE ${schema}.deliveries t SET status = s.status, next_attempt_at = ${now} + s.wait, leased_until = 0, error = s.error,
      first_attempt_at = coalesce(t.first_attempt_at, CASE WHEN s.arrived = 1 THEN t.claimed_at END)
    FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[]) s (id, fence, status, wait, arrived, error)
    WHERE t.account_id = $1 AND t.id = s.id AND t.fence = s.fence AND t.status = 'pending' AND t.leased_until <> 0
    RETURNING t.id`
}

/** The bundle of each locked row: the one it is in, or one that begins with the first of those that belong together. */
export function bundlesOf(
  locked: readonly (readonly (string | null)[])[],
): readonly { readonly id: string; readonly bundle: string | null }[] {
  const firsts = new Map<string, string>()
  return locked.map(([id, bundle, kind, place]) => {
    if (kind !== 'metering') return { id: id ?? '', bundle: null }
    const key = place ?? ''
    if (bundle === null) firsts.set(key, firsts.get(key) ?? id ?? '')
    return { id: id ?? '', bundle: bundle ?? firsts.get(key) ?? null }
  })
}

/** Claimed rows, in the order they were written, as what is handed out: the rows of a bundle as one. */
export function asOne(claimed: readonly DeliveryRow[]) {
  const handedOut = new Map<string, DeliveryRow & { readonly members: number }>()
  for (const row of claimed) {
    const id = row.bundle ?? row.id
    const known = handedOut.get(id)
    handedOut.set(id, {
      ...(known ?? row),
      id,
      sparks: row.sparks + (known?.sparks ?? 0n),
      occurredAt: Math.max(row.occurredAt, known?.occurredAt ?? row.occurredAt),
      entryIds: row.bundle === null ? row.entryIds : [],
      members: 1 + (known?.members ?? 0),
    })
  }
  return [...handedOut.values()].map((row) => ({ ...stateOf(row), members: row.members }))
}
