import { budgetsOf, budgetsWithout, countBudgets } from './budgets.js'
import { collectorAt, keepCollector } from './collector.js'
import type { Keyed, UsageCommand } from './command.js'
import { balanceOf, counterAt, type Draft } from './draft.js'
import { accountWithout, chargedBy, counterWithout, coverUsage, quotaOf } from './entitlement.js'
import { expireGrants } from './expiry.js'
import { freeHold, shrinkHold } from './holds.js'
import type { Measured } from './measure.js'
import type { LedgerOutcome } from './outcome.js'
import { accountOf, post, storable } from './posting.js'
import { countUsage, recheckQuotas } from './quotas.js'
import { refuseUsage } from './refusal.js'
import { addRollup, summedBy } from './rollup.js'
import { type Payable, settle, shareOf } from './settlement.js'
import type { EntryUsage, Hold } from './state.js'

/** Usage of which it is known what it adds to its period. */
export interface UsageFact {
  readonly command: Keyed &
    Pick<UsageCommand, 'usage' | 'budgets'> &
    Partial<Pick<UsageCommand, 'onInsufficient' | 'keepsHold' | 'isPulled'>>
  readonly operation: 'usage' | 'accrue'
  readonly occurredAt: number
  /** A moment in the period it is counted in, where that is another one. */
  readonly countedAt?: number
  readonly measured: Measured
  /** What of it somebody here pays for. */
  readonly paid: Payable
  readonly hold: Hold | undefined
  /** What it is summed by, where that is not for the catalog to say. */
  readonly summedBy?: EntryUsage['summedBy']
  /** Why, of a row that no caller asked for. */
  readonly reason?: string
}

/** Has usage paid for, counts it, settles the hold it names, and posts its row; or refuses it as a whole. */
export function settleUsage(draft: Draft, fact: UsageFact): LedgerOutcome {
  const { command, occurredAt, measured, paid, hold } = fact
  const { accountId, usage } = command
  const account = accountOf(draft, accountId)
  const countedAt = fact.countedAt ?? occurredAt
  const counter = counterAt(draft, account, usage.meter, countedAt)
  const strict = command.onInsufficient === 'refuse'
  const keepsHold = command.keepsHold ?? false
  const share = hold && (keepsHold ? shareOf(hold, paid) : hold)
  const scopes = hold ? [...new Set([...command.budgets, ...hold.budgets])] : command.budgets
  const budgets = budgetsOf(draft, account, scopes)
  const collecting = collectorAt(draft.rules, account, occurredAt)
  const coverage = coverUsage({
    catalog: draft.rules.catalog,
    collecting,
    account: accountWithout(account, share),
    counter: counterWithout(counter, share),
    budgets: budgetsWithout(budgets, share),
    quantity: paid.quantity,
    sparks: paid.sparks,
    isNet: measured.isNet,
    strict,
  })
  if (strict && coverage.refusedBy) return refuseUsage(draft, account, counter, budgets, measured, coverage, share)

  const { fromBalance: taken, settledBy } = settle(coverage, paid.writtenOff, collecting)
  const charged = chargedBy(coverage)
  const { quantity, sparks } = measured
  const included = measured.included ?? coverage.units
  storable(sparks, 'The Sparks of this usage')
  storable(account.balance - taken, 'The balance')
  storable(counter.used + quantity, 'The usage of the period')
  storable(counter.rated + sparks, 'The Sparks of the period')
  for (const { used } of budgets) storable(used + charged, 'What was used of the budget')
  const row: EntryUsage = {
    meter: usage.meter,
    quantity,
    sparks,
    costUsd: usage.costUsd,
    model: usage.model,
    provider: usage.provider,
    serviceTier: usage.serviceTier,
    tokens: usage.tokens,
    dimensions: usage.dimensions,
    priceVersion: usage.priceVersion,
    measured: usage.quantity,
    occurredAt,
    settledBy,
    included,
    holdId: hold?.id ?? null,
    summedBy: fact.summedBy ?? summedBy(draft, usage.dimensions),
  }
  keepCollector(draft, accountOf(draft, accountId))
  addRollup(draft, { accountId, occurredAt, usage: row, charged, events: fact.operation === 'usage' ? 1 : 0 })
  if (hold && share) {
    if (keepsHold) shrinkHold(draft, hold, share, taken)
    else freeHold(draft, hold, { status: 'captured', captured: hold.captured + taken })
    expireGrants(draft, accountId, taken)
  }
  const { overage } = coverage
  const units = { quantity, allowance: included, rated: sparks, overage, isRequest: strict }
  countUsage(draft, account, counterAt(draft, account, usage.meter, countedAt), units)
  countBudgets(draft, accountId, scopes, charged)

  const posting = {
    command,
    operation: fact.operation,
    counterAccount: 'usage',
    amount: -taken,
    reason: fact.reason ?? '',
    usage: row,
    givesBack: [],
    isPulled: command.isPulled ?? false,
  } as const
  const outcome = post(draft, posting, (after) => {
    // What the hold gave back may cover again what was throttled.
    if (hold) recheckQuotas(draft, accountId)
    return {
      kind: 'usage',
      id: command.id,
      sparks,
      costUsd: usage.costUsd,
      settledBy,
      balance: balanceOf(after),
      quota: quotaOf(draft.rules.catalog, after, counterAt(draft, after, usage.meter, countedAt)),
    }
  })
  return outcome
}
