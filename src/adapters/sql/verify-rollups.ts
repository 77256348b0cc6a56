import type { Checks } from './verify-balance.js'
import type { VerifyDialect } from './verify-dialect.js'
import { verifySources } from './verify-source.js'

/** Sums by day: those over everything, and those by a dimension. */
export function rollupChecks(
  d: VerifyDialect,
): Checks<
  'rollup_events' | 'rollup_quantity' | 'rollup_sparks' | 'rollup_charged' | 'rollup_cost' | 'rollup_dimension'
> {
  const { usage } = verifySources(d)
  const rollups = d.table('rollups')
  const picos = `coalesce(${d.decimal('cost_usd')}, 0) * 1000000000000`
  /** `slack`: how much a row may leave open; `weight`: what its rounding is in proportion to. */
  const compared = (kept: string, summed: string, having: string, slack = '0', weight = '0') => `SELECT account_id,
      day || ' ' || meter || ' ' || provider || ' ' || model AS id, sum(kept) AS found, sum(summed) AS expected
    FROM (SELECT account_id, day, meter, provider, model, ${kept} AS kept, 0 AS summed, 0 AS slack, 0 AS weight
        FROM ${rollups} k WHERE dimension = ''
      UNION ALL SELECT account_id, ${d.day('occurred_at')}, meter, provider, model, 0, ${summed}, ${slack}, ${weight} FROM ${usage} r) u
    GROUP BY account_id, day, meter, provider, model HAVING ${having}`
  const differs = 'sum(kept) <> sum(summed)'
  return {
    // An amendment to nothing may have been one that took the event back.
    rollup_events: compared(
      'events',
      'events',
      'sum(kept) > sum(summed) OR sum(kept) < sum(summed) - sum(slack)',
      'voids',
    ),
    rollup_quantity: compared('quantity', 'quantity', differs),
    rollup_sparks: compared('sparks', 'sparks', differs),
    rollup_charged: compared('charged', 'taken + overage', differs),
    // Each row's cost is rounded, and SQLite has no decimals.
    rollup_cost: compared(
      'cost_picos',
      picos,
      'abs(sum(kept) - sum(summed)) > sum(slack) + sum(weight) / 1000000000',
      '1',
      `abs(${picos})`,
    ),
    rollup_dimension: `SELECT account_id,
        day || ' ' || meter || ' ' || provider || ' ' || model || ' ' || dimension || '=' || value AS id,
        sum(kept_events) || ' ' || sum(kept_quantity) || ' ' || sum(kept_sparks) || ' ' || sum(kept_charged) AS found,
        sum(events) || ' ' || sum(quantity) || ' ' || sum(sparks) || ' ' || sum(charged) AS expected
      FROM (SELECT account_id, day, meter, provider, model, dimension, value, events AS kept_events, quantity AS kept_quantity,
          sparks AS kept_sparks, charged AS kept_charged, 0 AS n, 0 AS events, 0 AS voids, 0 AS quantity, 0 AS sparks, 0 AS charged
          FROM ${rollups} k WHERE dimension <> ''
        UNION ALL SELECT r.account_id, ${d.day('r.occurred_at')}, r.meter, r.provider, r.model, x.key, x.value, 0, 0, 0, 0, 1,
          r.events, r.voids, r.quantity, r.sparks, r.taken + r.overage FROM ${usage} r, ${d.members('r.summed_by', 'x')}
          WHERE EXISTS (SELECT 1 FROM ${d.members('r.dimensions', 'y')} WHERE y.key = x.key AND y.value = x.value)) u
      GROUP BY account_id, day, meter, provider, model, dimension, value
      HAVING sum(kept_quantity) <> sum(quantity) OR sum(kept_sparks) <> sum(sparks) OR sum(kept_charged) <> sum(charged)
        OR sum(n) = 0 OR sum(kept_events) > sum(events) OR sum(kept_events) < sum(events) - sum(voids)`,
  }
}
