/** What is checked of the books, by name. */
export type LedgerCheck =
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
  | 'rollup_events'
  | 'rollup_quantity'
  | 'rollup_sparks'
  | 'rollup_charged'
  | 'rollup_cost'
  | 'rollup_dimension'
  | 'budget_held'
  | 'payment_reversed'
  | 'payment_grant'
  | 'corrects'
  | 'reported'
  | 'carried'
  | 'delivery_entries'
  | 'delivery_moment'
  | 'delivery_kind'
  | 'event_delivery'
  | 'unique_keys'
  | 'unique_ids'
  | 'operation'
  | 'stored_answer'
  | 'known_account'
  | 'readable'

/** One place where the books do not add up. */
export interface LedgerFinding {
  readonly check: LedgerCheck
  readonly accountId: string
  /** The row it is about: its id, or what names it within the account. */
  readonly id: string
  /** What is stored. */
  readonly found: string
  /** What the rows say it should be. */
  readonly expected: string
  /** The same for a person. */
  readonly message: string
}

/** What was looked at, and what is wrong with it. */
export interface LedgerVerification {
  readonly checked: { readonly accounts: number; readonly entries: number }
  readonly findings: readonly LedgerFinding[]
}

/** Which books to verify, and how many findings are enough. */
export interface LedgerVerificationScope {
  readonly accountId?: string
  readonly limit: number
}
