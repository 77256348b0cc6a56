import type { Checks } from './verify-balance.js'
import type { VerifyDialect } from './verify-dialect.js'
import { verifySources } from './verify-source.js'

const ofAccounts = [
  'ledger_entries',
  'credit_grants',
  'holds',
  'counters',
  'budgets',
  'payments',
  'level_changes',
  'seen_values',
  'rollups',
]

/** Single rows: what they name, and whether they can be what they say they are. */
export function rowChecks(
  d: VerifyDialect,
): Checks<
  | 'payment_reversed'
  | 'payment_grant'
  | 'corrects'
  | 'unique_keys'
  | 'unique_ids'
  | 'operation'
  | 'stored_answer'
  | 'known_account'
> {
  const { entries } = verifySources(d)
  const payments = d.table('payments')
  const holds = d.table('holds')
  const isJson = `e.result LIKE '{%'`
  const answer = (...path: readonly string[]) => d.at('e.result', ...path)
  const amount = (...path: readonly string[]) => d.integer(answer(...path, '$bigint'))
  return {
    payment_reversed: `SELECT account_id, id, CASE WHEN sum(n) = 1 THEN CAST(sum(kept) AS TEXT) ELSE 'nowhere' END AS found,
        sum(taken) AS expected
      FROM (SELECT account_id, id, reversed AS kept, 0 AS taken, 1 AS n FROM ${payments} p
        UNION ALL SELECT account_id, substr(reason, 9), 0, -amount, 0 FROM ${entries} e WHERE operation = 'refund') u
      GROUP BY account_id, id HAVING sum(kept) <> sum(taken) OR sum(n) <> 1`,
    payment_grant: `SELECT p.account_id, p.id, p.sparks AS found, coalesce(CAST(e.amount AS TEXT), 'nothing') AS expected
      FROM ${payments} p LEFT JOIN ${entries} e ON e.account_id = p.account_id AND e.id = p.grant_id AND e.operation = 'grant'
      WHERE (p.grant_id IS NULL AND (p.sparks <> 0 OR p.reversed <> 0))
        OR (p.grant_id IS NOT NULL AND (e.amount IS NULL OR e.amount <> p.sparks))`,
    corrects: `SELECT e.account_id, e.id, e.corrects AS found, 'an earlier row' AS expected
      FROM ${entries} e LEFT JOIN ${entries} c ON c.account_id = e.account_id AND c.id = e.corrects AND c.seq < e.seq
      WHERE e.corrects IS NOT NULL AND (c.id IS NULL OR c.corrects IS NOT NULL
        OR (e.operation = 'amend' AND (c.operation <> 'usage' OR c.meter <> e.meter OR c.occurred_at <> e.occurred_at)))`,
    unique_keys: `SELECT account_id, min(id) AS id, count(*) AS found, 1 AS expected
      FROM (SELECT account_id, id, dedupe FROM ${entries} e UNION ALL SELECT account_id, id, dedupe FROM ${holds} h
        UNION ALL SELECT account_id, id, release_dedupe FROM ${holds} h WHERE release_dedupe IS NOT NULL) k
      GROUP BY account_id, dedupe HAVING count(*) > 1`,
    unique_ids: `SELECT account_id, id, count(*) AS found, 1 AS expected FROM ${entries} e
      GROUP BY account_id, id HAVING count(*) > 1`,
    operation: `SELECT account_id, id, operation || ' for ' || amount || ' with ' || counter_account AS found,
        'that operation never writes such a row' AS expected
      FROM ${entries} e WHERE (CASE
        WHEN operation IN ('usage', 'accrue') THEN counter_account = 'usage' AND meter <> '' AND corrects IS NULL
        WHEN operation = 'amend' THEN counter_account = 'usage' AND meter <> '' AND corrects IS NOT NULL
        WHEN operation = 'capture' THEN counter_account = 'usage' AND meter = '' AND amount <= 0 AND hold_id IS NOT NULL AND corrects IS NULL
        WHEN meter IS NOT NULL OR hold_id IS NOT NULL OR deliveries IS NOT NULL OR sparks IS NOT NULL THEN 1 = 0
        WHEN operation = 'grant' THEN counter_account IN ('grants:paid', 'grants:promotional') AND amount > 0 AND corrects IS NULL
        WHEN operation = 'renew' THEN counter_account = 'grants:promotional' AND amount > 0 AND corrects IS NULL
        WHEN operation = 'adjust' THEN counter_account = 'adjustments'
        WHEN operation = 'refund' THEN counter_account = 'refunds' AND corrects IS NOT NULL AND reason LIKE 'payment %'
        WHEN operation = 'expire' THEN counter_account = 'expired' AND amount <= 0 AND corrects IS NULL
        WHEN operation IN ('extend', 'change_plan', 'change_terms', 'set_budget', 'suspend', 'resume')
          THEN counter_account = 'none' AND amount = 0 AND corrects IS NULL
        ELSE 1 = 0 END) IS NOT TRUE OR (meter IS NOT NULL AND (quantity IS NULL OR measured IS NULL OR sparks IS NULL OR occurred_at IS NULL OR included IS NULL))`,
    stored_answer: `SELECT account_id, id, found, expected FROM (SELECT e.account_id, e.id,
        CASE WHEN ${isJson} THEN coalesce(CAST(${answer('balance', 'balance', '$bigint')} AS TEXT), '') || ' for ' ||
          coalesce(CASE WHEN ${answer('kind')} = 'hold' THEN e.id ELSE ${answer('id')} END, '')
          ELSE CAST(length(e.result) - length(replace(e.result, ' ', '')) + 1 AS TEXT) || ' words' END AS found,
        CASE WHEN ${isJson} THEN CAST(e.balance_after AS TEXT) || ' for ' || e.id ELSE '7 words' END AS expected,
        CASE WHEN ${isJson} AND ${answer('kind')} = 'entry' THEN coalesce(${amount('amount')}, e.amount + 1) ELSE e.amount END AS answered,
        e.amount
      FROM ${entries} e) r WHERE found <> expected OR answered <> amount`,
    known_account: ofAccounts
      .map(
        (name) => `SELECT x.account_id, '${name}' AS id, count(*) AS found, 0 AS expected FROM ${d.table(name)} x
          LEFT JOIN ${d.table('accounts', 'id')} a ON a.id = x.account_id WHERE a.id IS NULL GROUP BY x.account_id`,
      )
      .join('\nUNION ALL '),
  }
}
