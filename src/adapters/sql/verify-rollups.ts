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
  const newest = `OVER (PARTITION BY r.account_id, x.key, x.value, r.occurred_at / 86400000, r.meter, r.provider, r.model
    ORDER BY r.seq DESC ROWS UNBOUNDED PRECEDING)`
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
    // A dimension may be summed from some day on: then its sums are those of the newest rows.
    rollup_dimension: `SELECT k.account_id,
        k.day || ' ' || k.meter || ' ' || k.provider || ' ' || k.model || ' ' || k.dimension || '=' || k.value AS id,
        k.events || ' ' || k.quantity || ' ' || k.sparks || ' ' || k.charged AS found, 'the sums of its rows' AS expected
      FROM ${rollups} k LEFT JOIN (SELECT r.account_id, x.key, x.value, ${d.day('r.occurred_at')} AS day, r.meter, r.provider, r.model,
          sum(r.events) ${newest} AS events, sum(r.voids) ${newest} AS voids, sum(r.quantity) ${newest} AS quantity,
          sum(r.sparks) ${newest} AS sparks, sum(r.taken + r.overage) ${newest} AS charged
        FROM ${usage} r, ${d.members('r.dimensions', 'x')}) s
      ON s.account_id = k.account_id AND s.key = k.dimension AND s.value = k.value AND s.day = k.day AND s.meter = k.meter
        AND s.provider = k.provider AND s.model = k.model AND s.quantity = k.quantity AND s.sparks = k.sparks
        AND s.charged = k.charged AND k.events BETWEEN s.events - s.voids AND s.events
      WHERE k.dimension <> '' AND s.account_id IS NULL`,
  }
}
