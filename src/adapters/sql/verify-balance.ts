import type { LedgerCheck } from '../../core/ports/ledger-verification.js'
import type { VerifyDialect } from './verify-dialect.js'
import { verifySources } from './verify-source.js'

/** Queries that answer what does not add up, as `account_id`, `id`, `found`, `expected`. */
export type Checks<Name extends LedgerCheck = LedgerCheck> = Readonly<Record<Name, string>>

const positive = (value: string) => `CASE WHEN ${value} > 0 THEN ${value} ELSE 0 END`

/** Balances, grants and holds: what an account has. */
export function balanceChecks(
  d: VerifyDialect,
): Checks<
  | 'balance'
  | 'running_balance'
  | 'row_burns'
  | 'grant_remaining'
  | 'grant_expired'
  | 'grant_amount'
  | 'grant_terms'
  | 'open_grants'
  | 'held'
  | 'hold_captured'
  | 'hold_state'
> {
  const { entries, burns } = verifySources(d)
  const accounts = d.table('accounts', 'id')
  const grants = d.table('credit_grants')
  const holds = d.table('holds')
  /** The grants that rows opened, named after the row; what is given back beyond what was burned has one, too. */
  const opened = `SELECT e.account_id, CASE e.operation WHEN 'grant' THEN e.id WHEN 'renew' THEN 'grt_' || substr(e.id, 5)
      ELSE 'grt_' || e.id END AS id, e.id AS entry_id, e.amount
    FROM ${entries} e WHERE e.operation IN ('grant', 'renew') OR (e.operation = 'adjust' AND e.corrects IS NULL AND e.amount > 0)
    UNION ALL SELECT b.account_id, b.grant_id, b.entry_id, -b.amount FROM ${burns} b
      JOIN ${entries} e ON e.account_id = b.account_id AND e.id = b.entry_id
      WHERE b.grant_id = 'grt_' || b.entry_id AND (e.operation <> 'adjust' OR e.corrects IS NOT NULL)`
  return {
    balance: `SELECT a.id AS account_id, a.id AS id, a.balance AS found, coalesce(s.total, 0) AS expected
      FROM ${accounts} a LEFT JOIN (SELECT account_id, sum(amount) AS total FROM ${entries} e GROUP BY account_id) s
        ON s.account_id = a.id
      WHERE a.balance <> coalesce(s.total, 0)`,
    running_balance: `SELECT account_id, id, found, expected FROM (SELECT account_id, id, balance_after AS found,
        amount + coalesce(lag(balance_after) OVER (PARTITION BY account_id ORDER BY seq), 0) AS expected FROM ${entries} e) r
      WHERE found <> expected`,
    row_burns: `SELECT e.account_id, e.id, coalesce(b.total, 0) AS found,
        ${positive('(e.balance_after - e.amount)')} - ${positive('e.balance_after')} AS expected
      FROM ${entries} e LEFT JOIN (SELECT account_id, entry_id, sum(amount) AS total FROM ${burns} s GROUP BY account_id, entry_id) b
        ON b.account_id = e.account_id AND b.entry_id = e.id
      WHERE coalesce(b.total, 0) <> ${positive('(e.balance_after - e.amount)')} - ${positive('e.balance_after')}`,
    grant_remaining: `SELECT account_id, id, CASE WHEN sum(n) = 1 THEN CAST(sum(kept) AS TEXT) ELSE 'nowhere' END AS found,
        -sum(burned) AS expected
      FROM (SELECT account_id, id, remaining AS kept, 0 AS burned, 1 AS n FROM ${grants} g
        UNION ALL SELECT account_id, grant_id, 0, amount, 0 FROM ${burns} b) u
      GROUP BY account_id, id HAVING sum(kept) <> -sum(burned) OR sum(n) <> 1`,
    // A row lets go of one grant; a reversal of it brings that back.
    grant_expired: `SELECT account_id, id, sum(kept) AS found, sum(gone) AS expected
      FROM (SELECT account_id, id, expired AS kept, 0 AS gone FROM ${grants} g
        UNION ALL SELECT b.account_id, b.grant_id, 0, b.amount - coalesce(c.total, 0) FROM ${burns} b
          JOIN ${entries} e ON e.account_id = b.account_id AND e.id = b.entry_id AND e.operation = 'expire'
          LEFT JOIN (SELECT account_id, corrects, sum(amount) AS total FROM ${entries} r WHERE corrects IS NOT NULL
            GROUP BY account_id, corrects) c ON c.account_id = e.account_id AND c.corrects = e.id) u
      GROUP BY account_id, id HAVING sum(kept) <> sum(gone)`,
    grant_amount: `SELECT account_id, id, CASE WHEN sum(n) = 1 THEN CAST(sum(kept) AS TEXT) ELSE 'nowhere' END AS found,
        CASE WHEN sum(o) = 1 THEN CAST(sum(amount) AS TEXT) ELSE 'nothing' END AS expected
      FROM (SELECT account_id, id, amount AS kept, 0 AS amount, 1 AS n, 0 AS o FROM ${grants} g
        UNION ALL SELECT account_id, id, 0, amount, 0, 1 FROM (${opened}) o) u
      GROUP BY account_id, id HAVING sum(kept) <> sum(amount) OR sum(n) <> 1 OR sum(o) <> 1`,
    grant_terms: `SELECT * FROM (SELECT g.account_id, g.id, g.kind || ' ' || g.origin || ' ' || g.granted_at || ' ' || g.reason AS found,
        CASE WHEN e.operation IN ('grant', 'renew') THEN substr(e.counter_account, 8)
          WHEN e.operation = 'adjust' AND e.corrects IS NULL THEN 'promotional' ELSE 'paid' END || ' ' ||
        CASE WHEN e.operation <> 'renew' THEN 'once' WHEN e.id LIKE 'ent\\_plan.%' ESCAPE '\\' THEN 'plan' ELSE 'rollover' END || ' ' ||
        e.recorded_at || ' ' || e.reason AS expected
      FROM ${grants} g JOIN (${opened}) o ON o.account_id = g.account_id AND o.id = g.id
      JOIN ${entries} e ON e.account_id = o.account_id AND e.id = o.entry_id) t WHERE found <> expected`,
    open_grants: `SELECT a.id AS account_id, a.id AS id, coalesce(g.total, 0) AS found, ${positive('a.balance')} AS expected
      FROM ${accounts} a LEFT JOIN (SELECT account_id, sum(remaining) AS total FROM ${grants} s GROUP BY account_id) g
        ON g.account_id = a.id
      WHERE coalesce(g.total, 0) <> ${positive('a.balance')}`,
    held: `SELECT a.id AS account_id, a.id AS id, a.held AS found, coalesce(h.total, 0) AS expected
      FROM ${accounts} a
      LEFT JOIN (SELECT account_id, sum(sparks) AS total FROM ${holds} s WHERE status = 'open' GROUP BY account_id) h
        ON h.account_id = a.id
      WHERE a.held <> coalesce(h.total, 0)`,
    // What a capture gave back is not taken off again below zero, so that such a hold says nothing.
    hold_captured: `SELECT account_id, id, CASE WHEN sum(n) = 1 THEN CAST(sum(kept) AS TEXT) ELSE 'nowhere' END AS found,
        sum(taken) AS expected
      FROM (SELECT account_id, id, captured AS kept, 0 AS taken, 0 AS back, 1 AS n FROM ${holds} h
        UNION ALL SELECT account_id, hold_id, 0, -amount, CASE WHEN amount > 0 THEN 1 ELSE 0 END, 0
          FROM ${entries} e WHERE hold_id IS NOT NULL AND operation <> 'amend') u
      GROUP BY account_id, id HAVING (sum(kept) <> sum(taken) AND sum(back) = 0) OR sum(n) <> 1`,
    hold_state: `SELECT h.account_id, h.id, h.status AS found,
        'it must be open, captured by a row, released by a key, or expired, and reserve no less than nothing' AS expected
      FROM ${holds} h
      LEFT JOIN (SELECT account_id, hold_id, count(*) AS n FROM ${entries} s
        WHERE hold_id IS NOT NULL AND operation <> 'amend' GROUP BY account_id, hold_id) e
        ON e.account_id = h.account_id AND e.hold_id = h.id
      WHERE h.status NOT IN ('open', 'captured', 'released', 'expired') OR (h.release_dedupe IS NOT NULL) <> (h.status = 'released')
        OR (h.status = 'captured' AND e.n IS NULL) OR (h.meter IS NULL) <> (h.period_starts_at IS NULL)
        OR h.sparks < 0 OR h.quantity < 0 OR h.allowance < 0 OR h.budgeted < 0 OR h.expires_at < h.created_at`,
  }
}
