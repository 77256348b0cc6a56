import type { VerifyDialect } from './verify-dialect.js'

/** What several checks read: queries without a name of their own. */
export function verifySources(d: VerifyDialect) {
  const entries = d.table('ledger_entries')
  /** What each row burned of which grant; negative put it there. */
  const burns = `(SELECT e.account_id, e.id AS entry_id, ${d.tail('b.value')} AS grant_id,
      ${d.integer(d.head('b.value'))} AS amount
    FROM ${entries} e, ${d.split('e.burns', 'line', 'b')})`
  /** Who paid how much of each usage row. */
  const parts = `(SELECT e.account_id, e.id AS entry_id, ${d.tail('p.value')} AS part,
      ${d.integer(d.head('p.value'))} AS amount
    FROM ${entries} e, ${d.split('e.settled_by', 'line', 'p')})`
  const paid = `(SELECT account_id, entry_id, sum(amount) AS total,
      sum(CASE WHEN part IN ('credits', 'debt') THEN amount ELSE 0 END) AS taken,
      sum(CASE WHEN part LIKE 'meter:%' THEN amount ELSE 0 END) AS overage
    FROM ${parts} s GROUP BY account_id, entry_id)`
  // Kept in the answer: as the fifth of its words, or in its JSON.
  const period = d.integer(`CASE WHEN e.result LIKE '{%' THEN ${text(d.at('e.result', 'quota', 'periodStartsAt'))}
      ELSE ${d.word('e.result', 5)} END`)
  /** Usage rows with who paid, and the period they are counted in: none for captures of no meter. */
  const usage = `(SELECT e.account_id, e.id, e.seq, e.operation, e.amount, e.meter, e.quantity, e.measured, e.sparks, e.included,
      e.occurred_at, coalesce(e.provider, '') AS provider, coalesce(e.model, '') AS model, e.cost_usd, e.dimensions, e.summed_by,
      e.hold_id, ${period} AS starts_at, coalesce(p.total, 0) AS total, coalesce(p.taken, 0) AS taken,
      coalesce(p.overage, 0) AS overage,
      CASE WHEN e.operation IN ('usage', 'capture') THEN 1 ELSE 0 END AS events,
      CASE WHEN e.operation = 'amend' AND e.measured = 0 THEN 1 ELSE 0 END AS voids
    FROM ${entries} e LEFT JOIN ${paid} p ON p.account_id = e.account_id AND p.entry_id = e.id WHERE e.meter IS NOT NULL)`
  /** What rows say of their deliveries, without those for tracing. */
  const told = `(SELECT e.account_id, e.id AS entry_id, ${d.tail('x.value')} AS destination,
      ${d.head('x.value')} AS delivery_id
    FROM ${entries} e, ${d.split('e.deliveries', 'line', 'x')})`
  return { entries, burns, parts, usage, told }
}

/** One type for both branches of a CASE. */
function text(value: string): string {
  return `CAST(${value} AS TEXT)`
}
