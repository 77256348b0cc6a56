import type { LedgerCheck } from 'billfold'

/** One value, or one row, that somebody changed behind the back of the store. */
export interface Sabotage {
  readonly table: string
  /** Which rows it can be done to; it is done to the first. */
  readonly where: string
  /** What follows `UPDATE table`, or nothing: the row is deleted or copied. */
  readonly change: string | 'deleted' | 'copied'
  /** Which check has to find it. */
  readonly check: LedgerCheck
  /** Whether what it finds is named as the row that was changed. */
  readonly isNamed: boolean
}

/** What names a row of a table, and what a finding about it is named. */
export const keysOf: Readonly<
  Record<string, { readonly key: readonly string[]; readonly account: string; readonly name: string }>
> = {
  accounts: { key: ['id'], account: 'id', name: 'id' },
  ledger_entries: { key: ['seq'], account: 'account_id', name: 'id' },
  credit_grants: { key: ['account_id', 'id'], account: 'account_id', name: 'id' },
  holds: { key: ['account_id', 'id'], account: 'account_id', name: 'id' },
  counters: { key: ['account_id', 'meter', 'starts_at'], account: 'account_id', name: `meter || ' ' || starts_at` },
  budgets: { key: ['account_id', 'scope'], account: 'account_id', name: 'scope' },
  payments: { key: ['account_id', 'id'], account: 'account_id', name: 'id' },
  level_changes: { key: ['account_id', 'meter', 'at'], account: 'account_id', name: `meter || ' ' || at` },
  seen_values: {
    key: ['account_id', 'meter', 'value', 'starts_at'],
    account: 'account_id',
    name: `meter || ' ' || value`,
  },
  rollups: {
    key: ['account_id', 'dimension', 'day', 'meter', 'provider', 'model', 'value'],
    account: 'account_id',
    name: `day || ' ' || meter || ' ' || provider || ' ' || model`,
  },
  deliveries: { key: ['seq'], account: 'account_id', name: 'id' },
}

const on =
  (table: string) =>
  (change: string, check: LedgerCheck, where = '1 = 1', isNamed = true): Sabotage => ({
    table,
    change,
    where,
    check,
    isNamed,
  })
const elsewhere = false

const account = on('accounts')
const entry = on('ledger_entries')
const grant = on('credit_grants')
const hold = on('holds')
const counter = on('counters')
const budget = on('budgets')
const payment = on('payments')
const level = on('level_changes')
const seen = on('seen_values')
const rollup = on('rollups')
const delivery = on('deliveries')

const isUsage = `operation = 'usage'`
const isOpen = `status = 'open'`
const onMeter = `${isOpen} AND meter IS NOT NULL`
const wholeDay = `dimension = ''`
const metering = `kind = 'metering'`

export const sabotages: readonly Sabotage[] = [
  account('balance = balance + 1', 'balance'),
  account('balance = balance - 1', 'open_grants', 'balance > 0'),
  account('held = held + 1', 'held'),
  account('deleted', 'known_account', '1 = 1', elsewhere),

  entry('amount = amount + 1', 'balance', '1 = 1', elsewhere),
  entry('amount = amount + 1', 'running_balance'),
  entry('amount = amount - 1', 'usage_amount', isUsage),
  entry('balance_after = balance_after + 1', 'running_balance'),
  entry(`operation = 'resume'`, 'operation', isUsage),
  entry(`operation = 'gift'`, 'operation', `operation = 'grant'`),
  entry(`counter_account = 'none'`, 'operation', 'amount <> 0'),
  entry(`counter_account = 'grants:paid'`, 'grant_terms', `counter_account = 'grants:promotional'`, elsewhere),
  entry(`meter = 'other'`, 'counter_used', `${isUsage} AND meter NOT IN ('seats')`, elsewhere),
  entry('meter = NULL', 'operation', isUsage),
  entry('quantity = quantity + 1', 'counter_used', `${isUsage} AND meter = 'tokens'`, elsewhere),
  entry('quantity = quantity + 1', 'rollup_quantity', isUsage, elsewhere),
  entry('measured = measured + 1', 'level_change', `${isUsage} AND meter = 'disk'`, elsewhere),
  entry('sparks = sparks + 1', 'settled_by', isUsage),
  entry('sparks = sparks + 1', 'counter_rated', isUsage, elsewhere),
  entry('sparks = sparks + 1', 'rollup_sparks', isUsage, elsewhere),
  entry('included = included + 1', 'counter_allowance', isUsage, elsewhere),
  entry(`settled_by = '123456789 credits'`, 'usage_amount', `${isUsage} AND settled_by IS NOT NULL`),
  entry(`settled_by = '123456789 credits'`, 'settled_by', `${isUsage} AND settled_by IS NOT NULL`),
  entry('settled_by = NULL', 'counter_overage', `settled_by LIKE '% meter:%'`, elsewhere),
  entry('settled_by = NULL', 'rollup_charged', `settled_by LIKE '% credits%' AND operation = 'capture'`, elsewhere),
  entry(`cost_usd = '7.5'`, 'rollup_cost', `${isUsage} AND cost_usd IS NOT NULL`, elsewhere),
  entry(`provider = 'other'`, 'rollup_events', isUsage, elsewhere),
  entry(`model = 'other'`, 'rollup_sparks', `${isUsage} AND sparks <> 0`, elsewhere),
  entry(
    `dimensions = '{"feature":"other"}'`,
    'rollup_dimension',
    `${isUsage} AND dimensions LIKE '%"feature"%'`,
    elsewhere,
  ),
  entry(
    `dimensions = NULL`,
    'seen_value',
    `${isUsage} AND meter = 'people' AND quantity = 1000000 AND dimensions IS NOT NULL`,
    elsewhere,
  ),
  entry('occurred_at = 86400000', 'usage_period', isUsage),
  entry('occurred_at = occurred_at + 86400000 * 3', 'rollup_events', isUsage, elsewhere),
  entry('occurred_at = occurred_at + 600000', 'delivery_moment', `${isUsage} AND deliveries IS NOT NULL`, elsewhere),
  entry(
    `hold_id = 'hold_none'`,
    'hold_captured',
    `hold_id IS NOT NULL AND operation <> 'amend' AND amount < 0`,
    elsewhere,
  ),
  entry('hold_id = NULL', 'operation', `operation = 'capture'`),
  entry('burns = NULL', 'row_burns', 'burns IS NOT NULL'),
  entry('burns = NULL', 'grant_remaining', 'burns IS NOT NULL', elsewhere),
  entry(`burns = '1 grant_none'`, 'grant_remaining', 'burns IS NULL', elsewhere),
  entry(`burns = burns || ' x'`, 'grant_remaining', `burns IS NOT NULL AND operation = 'usage'`, elsewhere),
  entry('deliveries = NULL', 'delivery_entries', 'deliveries IS NOT NULL', elsewhere),
  entry(
    `deliveries = replace(deliveries, 'shadow', 'other')`,
    'delivery_entries',
    `deliveries LIKE '%_ shadow%'`,
    elsewhere,
  ),
  entry(`result = 'b 0 0 - 1 2 0'`, 'counter_rated', `${isUsage} AND sparks <> 0`, elsewhere),
  entry(`result = 'b 0'`, 'stored_answer', `${isUsage}`),
  entry(`result = replace(result, '"id":"', '"id":"x')`, 'stored_answer', `operation = 'grant'`),
  entry(
    `result = replace(result, '"amount":{"$bigint":"', '"amount":{"$bigint":"1')`,
    'stored_answer',
    `operation = 'grant'`,
  ),
  entry(
    `result = replace(result, '"balance":{"balance"', '"balance":{"other"')`,
    'stored_answer',
    `operation = 'adjust'`,
  ),
  entry(`result = '{'`, 'readable', `operation = 'grant'`, elsewhere),
  entry(`corrects = 'row_none'`, 'corrects', 'corrects IS NOT NULL'),
  entry('corrects = id', 'corrects', `operation = 'amend'`),
  entry('corrects = NULL', 'operation', `operation = 'amend'`),
  entry(`id = 'row_other'`, 'grant_amount', `operation = 'grant'`, elsewhere),
  entry(`id = 'row_other'`, 'delivery_entries', `${isUsage} AND deliveries IS NOT NULL`, elsewhere),
  entry(
    'dedupe = (SELECT o.dedupe FROM @ledger_entries o WHERE o.account_id = @ledger_entries.account_id ORDER BY o.id DESC LIMIT 1)',
    'unique_keys',
    `id = (SELECT min(o.id) FROM @ledger_entries o WHERE o.account_id = @ledger_entries.account_id)`,
    elsewhere,
  ),
  entry('recorded_at = recorded_at + 1', 'grant_terms', `operation = 'grant'`),
  entry(`reason = 'other'`, 'grant_terms', `operation = 'grant'`),
  entry(`reason = 'payment other'`, 'payment_reversed', `operation = 'refund'`, elsewhere),
  entry(`account_id = 'nobody'`, 'known_account', '1 = 1', elsewhere),
  entry('deleted', 'balance', 'amount <> 0', elsewhere),
  entry('deleted', 'running_balance', `amount <> 0 AND ${isUsage}`, elsewhere),
  entry('deleted', 'grant_amount', `operation = 'grant'`, elsewhere),
  entry('deleted', 'rollup_events', `${isUsage} AND meter = 'seats'`, elsewhere),
  entry('copied', 'unique_ids'),
  entry('copied', 'unique_keys', '1 = 1', elsewhere),

  grant('amount = amount + 1', 'grant_amount'),
  grant('remaining = remaining + 1', 'grant_remaining', 'remaining < amount'),
  grant('expired = expired + 1', 'grant_expired'),
  grant('remaining = remaining - 1', 'open_grants', 'remaining > 0', elsewhere),
  grant(`kind = CASE kind WHEN 'paid' THEN 'promotional' ELSE 'paid' END`, 'grant_terms'),
  grant(`origin = CASE origin WHEN 'once' THEN 'plan' ELSE 'once' END`, 'grant_terms'),
  grant('granted_at = granted_at + 1', 'grant_terms'),
  grant(`reason = 'other'`, 'grant_terms'),
  grant(`id = 'grant_other'`, 'grant_amount', '1 = 1', elsewhere),
  grant('deleted', 'grant_remaining', 'remaining < amount'),
  grant('deleted', 'grant_amount'),

  hold('quantity = quantity + 1', 'counter_held', onMeter, elsewhere),
  hold('sparks = sparks + 1', 'held', isOpen, elsewhere),
  hold('allowance = allowance + 1', 'counter_held_allowance', onMeter, elsewhere),
  hold('budgeted = budgeted + 1', 'budget_held', `${isOpen} AND budgets IS NOT NULL`, elsewhere),
  hold('budgets = NULL', 'budget_held', `${isOpen} AND budgets IS NOT NULL AND budgeted > 0`, elsewhere),
  hold(`budgets = '["other"]'`, 'budget_held', isOpen, elsewhere),
  hold('captured = captured + 1', 'hold_captured'),
  hold(`status = 'captured'`, 'hold_state', `status = 'released' AND captured = 0`),
  hold(`status = 'released'`, 'hold_state', `status = 'expired'`),
  hold(`status = 'lost'`, 'hold_state', `status = 'expired'`),
  hold('release_dedupe = NULL', 'hold_state', `status = 'released'`),
  hold('meter = NULL', 'hold_state', 'meter IS NOT NULL'),
  hold(`meter = 'other'`, 'counter_held', `${onMeter} AND quantity > 0`, elsewhere),
  hold('period_starts_at = period_starts_at + 1', 'counter_held', `${onMeter} AND quantity > 0`, elsewhere),
  hold('expires_at = 0', 'hold_state'),
  hold('sparks = -1', 'hold_state', `status = 'expired'`),
  hold('deleted', 'held', `${isOpen} AND sparks > 0`, elsewhere),
  hold('deleted', 'hold_captured', `status = 'captured'`),

  counter('used = used + 1', 'counter_used'),
  counter('held = held + 1', 'counter_held'),
  counter('held_allowance = held_allowance + 1', 'counter_held_allowance'),
  counter('allowance = allowance + 1', 'counter_allowance'),
  counter('rated = rated + 1', 'counter_rated'),
  counter('overage = overage + 1', 'counter_overage'),
  counter('level = level + 1', 'counter_used', 'level IS NOT NULL AND area IS NULL'),
  counter('starts_at = starts_at + 1', 'counter_used', 'used > 0'),
  counter('ends_at = starts_at', 'counter_periods'),
  counter(`meter = 'other'`, 'counter_rated', 'rated > 0'),
  counter('deleted', 'counter_used', 'used > 0'),

  budget('held = held + 1', 'budget_held'),
  budget(`scope = 'other'`, 'budget_held', 'held > 0'),
  budget('deleted', 'budget_held', 'held > 0'),

  payment('reversed = reversed + 1', 'payment_reversed'),
  payment('sparks = sparks + 1', 'payment_grant'),
  payment(`grant_id = 'grant_none'`, 'payment_grant', 'grant_id IS NOT NULL'),
  payment('deleted', 'payment_reversed', 'reversed <> 0'),

  level('value = value + 1', 'level_change'),
  level('at = at + 1', 'level_change', '1 = 1', elsewhere),
  seen(`value = 'nobody'`, 'seen_value', '1 = 1', elsewhere),
  seen('starts_at = starts_at + 1', 'seen_value'),

  counter(`carried = '999999 other'`, 'reported', 'carried IS NOT NULL', elsewhere),
  counter('carried = NULL', 'reported', `carried NOT LIKE '0 %'`, elsewhere),
  counter(`carried = '1000000 meters'`, 'carried', 'carried IS NOT NULL'),

  rollup('events = events + 1', 'rollup_events', `${wholeDay} AND meter = ''`),
  rollup('quantity = quantity + 1', 'rollup_quantity', wholeDay),
  rollup('sparks = sparks + 1', 'rollup_sparks', wholeDay),
  rollup('charged = charged + 1', 'rollup_charged', wholeDay),
  rollup('cost_picos = cost_picos + 1000000000', 'rollup_cost', wholeDay),
  rollup(`day = '2020-01-01'`, 'rollup_events', `${wholeDay} AND events > 0`),
  rollup(`model = 'other'`, 'rollup_events', `${wholeDay} AND events > 0`),
  rollup(`provider = 'other'`, 'rollup_events', `${wholeDay} AND events > 0`),
  rollup('sparks = sparks + 1', 'rollup_dimension', `dimension = 'feature'`, elsewhere),
  rollup('charged = charged + 1', 'rollup_dimension', `dimension = 'feature'`, elsewhere),
  rollup(`value = 'other'`, 'rollup_dimension', `dimension = 'feature'`, elsewhere),
  rollup('deleted', 'rollup_events', `${wholeDay} AND events > 0`),
  rollup('deleted', 'rollup_dimension', `dimension = 'feature' AND quantity <> 0`, elsewhere),

  delivery('sparks = sparks + 1', 'reported', metering, elsewhere),
  delivery(`meter = 'other'`, 'reported', metering, elsewhere),
  delivery('period_starts_at = period_starts_at + 1', 'reported', metering, elsewhere),
  delivery(`destination = 'other'`, 'delivery_entries', metering),
  delivery(`kind = 'tracing'`, 'delivery_kind', metering),
  delivery('sparks = 0', 'delivery_kind', metering),
  delivery(`status = 'lost'`, 'delivery_kind'),
  delivery(`entry_ids = 'row_none'`, 'delivery_entries', metering),
  delivery(`entry_ids = entry_ids || ' row_none'`, 'delivery_entries', `kind = 'tracing'`),
  delivery('occurred_at = occurred_at + 1', 'delivery_moment', metering),
  delivery(`event_id = 'evt_none'`, 'event_delivery', `kind = 'event'`),
  delivery(`event_type = 'other'`, 'event_delivery', `kind = 'event'`),
  delivery('deleted', 'delivery_entries', metering),
]
