import type { Checks } from './verify-balance.js'
import type { VerifyDialect } from './verify-dialect.js'
import { verifySources } from './verify-source.js'

/** What is told to others, and what they are told of. */
export function deliveryChecks(
  d: VerifyDialect,
): Checks<'reported' | 'carried' | 'delivery_entries' | 'delivery_moment' | 'delivery_kind' | 'event_delivery'> {
  const { entries, usage, told, parts } = verifySources(d)
  const deliveries = d.table('deliveries')
  const listed = `(SELECT v.account_id, i.value AS entry_id, v.destination, v.id AS delivery_id, v.occurred_at
    FROM ${deliveries} v, ${d.split('v.entry_ids', 'word', 'i')} WHERE v.kind <> 'event')`
  const carried = `(SELECT c.account_id, c.meter, c.starts_at, ${d.tail('l.value')} AS destination, ${d.integer(d.head('l.value'))} AS rest
    FROM ${d.table('counters')} c, ${d.split('c.carried', 'line', 'l')})`
  const least = (left: string, right: string) => `CASE WHEN ${left} < ${right} THEN ${left} ELSE ${right} END`
  const most = (left: string, right: string) => `CASE WHEN ${left} > ${right} THEN ${left} ELSE ${right} END`
  return {
    // Who collects is told what it collects, everyone else the same beside it, or all are told of everything; which it was when a part
    // went back is not kept.
    reported: `SELECT account_id, destination || ' ' || meter || ' ' || starts_at AS id, sum(reported) AS found,
        CASE WHEN sum(low) = sum(high) THEN CAST(sum(low) AS TEXT) ELSE sum(low) || ' to ' || sum(high) END AS expected
      FROM (SELECT account_id, destination, meter, period_starts_at AS starts_at, sparks * 1000000 AS reported, 0 AS low, 0 AS high
          FROM ${deliveries} v WHERE kind = 'metering'
        UNION ALL SELECT account_id, destination, meter, starts_at, rest, 0, 0 FROM ${carried} c
        UNION ALL SELECT r.account_id, t.destination, r.meter, r.starts_at, 0,
            CASE WHEN p.amount IS NULL THEN r.sparks WHEN p.amount > 0 THEN p.amount ELSE ${least('p.amount', 'r.sparks')} END,
            CASE WHEN p.amount IS NULL THEN r.sparks WHEN p.amount > 0 THEN p.amount ELSE ${most('p.amount', 'r.sparks')} END
          FROM ${told} t JOIN ${usage} r ON r.account_id = t.account_id AND r.id = t.entry_id
          LEFT JOIN ${deliveries} v ON v.id = t.delivery_id
          LEFT JOIN ${parts} p ON p.account_id = t.account_id AND p.entry_id = t.entry_id AND (p.part = 'meter:' || t.destination
            OR (t.destination LIKE 'shadow:%' AND p.part LIKE 'meter:%' AND p.part <> 'meter:' || substr(t.destination, 8)))
          WHERE t.delivery_id = '' OR v.kind = 'metering') u
      GROUP BY account_id, destination, meter, starts_at HAVING sum(reported) < sum(low) OR sum(reported) > sum(high)`,
    carried: `SELECT account_id, meter || ' ' || starts_at AS id, rest AS found, 'less than one Spark' AS expected
      FROM ${carried} c WHERE rest < 0 OR rest >= 1000000`,
    delivery_entries: `SELECT account_id, delivery_id AS id, 'row ' || entry_id ||
        CASE WHEN sum(n) = 1 THEN ' names it once' ELSE ' names it ' || sum(n) || ' times' END AS found,
        'it lists that row ' || sum(l) || ' times for ' || destination AS expected
      FROM (SELECT account_id, entry_id, destination, delivery_id, 1 AS n, 0 AS l FROM ${told} t WHERE delivery_id <> ''
        UNION ALL SELECT account_id, entry_id, destination, delivery_id, 0, 1 FROM ${listed} i) u
      GROUP BY account_id, entry_id, destination, delivery_id HAVING sum(n) <> 1 OR sum(l) <> 1`,
    delivery_moment: `SELECT i.account_id, i.delivery_id AS id, min(i.occurred_at) AS found, max(e.occurred_at) AS expected
      FROM ${listed} i JOIN ${entries} e ON e.account_id = i.account_id AND e.id = i.entry_id
      GROUP BY i.account_id, i.delivery_id HAVING min(i.occurred_at) <> max(e.occurred_at)`,
    delivery_kind: `SELECT account_id, id, kind || ' of ' || coalesce(meter, 'no meter') || ' for ' || sparks AS found,
        'no delivery of that kind is like that' AS expected
      FROM ${deliveries} v WHERE (CASE kind
        WHEN 'metering' THEN meter IS NOT NULL AND period_starts_at IS NOT NULL AND sparks <> 0 AND event_id IS NULL AND entry_ids <> ''
        WHEN 'tracing' THEN meter IS NULL AND period_starts_at IS NULL AND sparks = 0 AND event_id IS NULL AND entry_ids <> ''
        WHEN 'event' THEN meter IS NULL AND sparks = 0 AND event_id IS NOT NULL AND entry_ids = ''
        ELSE 1 = 0 END) IS NOT TRUE OR status NOT IN ('pending', 'delivered', 'parked', 'uncertain')`,
    event_delivery: `SELECT v.account_id, v.id, coalesce(v.event_id, 'none') || ' ' || coalesce(v.event_type, 'none') AS found,
        coalesce(n.id || ' ' || n.type, 'none') AS expected
      FROM ${deliveries} v LEFT JOIN ${d.table('events')} n ON n.id = v.event_id
      WHERE v.kind = 'event' AND (n.id IS NULL OR n.type <> v.event_type OR n.account_id <> v.account_id)`,
  }
}
