import type { Checks } from './verify-balance.js'
import type { VerifyDialect } from './verify-dialect.js'
import { verifySources } from './verify-source.js'

/** Counters and what usage rows say of themselves. */
export function usageChecks(
  d: VerifyDialect,
): Checks<
  | 'counter_held'
  | 'counter_held_allowance'
  | 'counter_used'
  | 'counter_allowance'
  | 'counter_rated'
  | 'counter_overage'
  | 'counter_periods'
  | 'usage_period'
  | 'level_change'
  | 'seen_value'
  | 'settled_by'
  | 'usage_amount'
  | 'budget_held'
> {
  const { usage } = verifySources(d)
  const counters = d.table('counters')
  const holds = d.table('holds')
  const place = `meter || ' ' || starts_at`
  const compared = (kept: string, rows: string) => `SELECT account_id, ${place} AS id,
      CASE WHEN sum(n) = 1 THEN CAST(sum(kept) AS TEXT) ELSE 'nowhere' END AS found, sum(summed) AS expected
    FROM (SELECT account_id, meter, starts_at, ${kept} AS kept, 0 AS summed, 1 AS n FROM ${counters} c UNION ALL ${rows}) u
    GROUP BY account_id, meter, starts_at HAVING sum(kept) <> sum(summed) OR sum(n) <> 1`
  const held = (column: string) => `SELECT account_id, meter, period_starts_at, 0, ${column}, 0 FROM ${holds} h
    WHERE status = 'open' AND meter IS NOT NULL`
  const used = (column: string) =>
    `SELECT account_id, meter, starts_at, 0, ${column}, 0 FROM ${usage} r WHERE meter <> ''`
  // A level is not the sum of its changes: it lasts from one period into the next.
  const isLevel = 'level IS NOT NULL AND area IS NULL'
  return {
    counter_held: compared('held', held('quantity')),
    counter_held_allowance: compared('held_allowance', held('allowance')),
    counter_used: `SELECT account_id, ${place} AS id, CASE WHEN sum(n) = 1 THEN CAST(sum(kept) AS TEXT) ELSE 'nowhere' END AS found,
        CASE WHEN sum(levels) > 0 THEN sum(level) ELSE sum(summed) END AS expected
      FROM (SELECT account_id, meter, starts_at, used AS kept, 0 AS summed, 1 AS n, CASE WHEN ${isLevel} THEN 1 ELSE 0 END AS levels,
          CASE WHEN ${isLevel} THEN level ELSE 0 END AS level FROM ${counters} c
        UNION ALL SELECT account_id, meter, starts_at, 0, quantity, 0, 0, 0 FROM ${usage} r WHERE meter <> '') u
      GROUP BY account_id, meter, starts_at
      HAVING sum(kept) <> CASE WHEN sum(levels) > 0 THEN sum(level) ELSE sum(summed) END OR sum(n) <> 1`,
    counter_allowance: compared('allowance', used('included')),
    counter_rated: compared('rated', used('sparks')),
    counter_overage: compared('overage', used('overage')),
    counter_periods: `SELECT account_id, ${place} AS id, ends_at AS found, coalesce(next, ends_at) AS expected
      FROM (SELECT account_id, meter, starts_at, ends_at,
          lead(starts_at) OVER (PARTITION BY account_id, meter ORDER BY starts_at) AS next FROM ${counters} c) c
      WHERE ends_at > next OR ends_at <= starts_at`,
    usage_period: `SELECT account_id, id, occurred_at AS found, starts_at AS expected FROM ${usage} r
      WHERE operation IN ('usage', 'accrue') AND (starts_at IS NULL OR occurred_at < starts_at)`,
    level_change: `SELECT account_id, meter || ' ' || at AS id, value AS found, coalesce(CAST(measured AS TEXT), 'none') AS expected
      FROM (SELECT l.account_id, l.meter, l.at, l.value, r.measured,
          row_number() OVER (PARTITION BY l.account_id, l.meter, l.at ORDER BY r.seq DESC) AS place
        FROM ${d.table('level_changes')} l LEFT JOIN ${usage} r
          ON r.account_id = l.account_id AND r.meter = l.meter AND r.occurred_at = l.at AND r.operation = 'usage') t
      WHERE place = 1 AND (measured IS NULL OR measured <> value)`,
    seen_value: `SELECT s.account_id, s.meter || ' ' || s.value AS id, s.starts_at AS found, 'none' AS expected
      FROM ${d.table('seen_values')} s LEFT JOIN (SELECT DISTINCT r.account_id, r.meter, r.starts_at, x.value
          FROM ${usage} r, ${d.members('r.dimensions', 'x')} WHERE r.quantity = 1000000) v
        ON v.account_id = s.account_id AND v.meter = s.meter AND v.starts_at = s.starts_at AND v.value = s.value
      WHERE v.account_id IS NULL AND s.value <> ''`,
    settled_by: `SELECT account_id, id, total AS found, sparks AS expected FROM ${usage} r WHERE total <> sparks`,
    usage_amount: `SELECT account_id, id, -amount AS found, taken AS expected FROM ${usage} r WHERE -amount <> taken`,
    budget_held: `SELECT account_id, scope AS id, CASE WHEN sum(n) = 1 THEN CAST(sum(kept) AS TEXT) ELSE 'nowhere' END AS found,
        sum(summed) AS expected
      FROM (SELECT account_id, scope, held AS kept, 0 AS summed, 1 AS n FROM ${d.table('budgets')} b
        UNION ALL SELECT h.account_id, s.value, 0, h.budgeted, 0 FROM ${holds} h, ${d.items('h.budgets', 's')} WHERE h.status = 'open') u
      GROUP BY account_id, scope HAVING sum(kept) <> sum(summed) OR sum(n) <> 1`,
  }
}
