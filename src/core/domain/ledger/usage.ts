import { budgetKeys, budgetsOf, budgetsWithout, countBudgets } from './budgets.js'
import type { AuthorizeCommand, UsageCommand } from './command.js'
import { balanceOf, counterAt, type Draft, findHold } from './draft.js'
import { accountWithout, chargedBy, counterWithout, coverUsage, quotaOf } from './entitlement.js'
import { expireGrants } from './expiry.js'
import { freeHold, holdIsOver, shrinkHold } from './holds.js'
import type { LedgerOutcome, Refusal } from './outcome.js'
import { accountOf, post, refused, storable } from './posting.js'
import { countPass, countUsage, recheckQuotas } from './quotas.js'
import { cover, refuseUsage } from './refusal.js'
import { addRollup } from './rollup.js'
import { payable, settle, shareOf } from './settlement.js'
import type { Hold, LoadKey } from './state.js'

export function usageNeeds(command: UsageCommand): readonly LoadKey[] {
  const { accountId, usage, occurredAt, dedupe, holdId, budgets } = command
  const hold: LoadKey[] =
    holdId === null
      ? []
      : [
          { kind: 'hold', accountId, holdId },
          { kind: 'hold_counter', accountId, holdId },
          { kind: 'counters', accountId },
        ]
  return [
    { kind: 'account', accountId },
    { kind: 'key', accountId, dedupe },
    { kind: 'counter', accountId, meter: usage.meter, at: occurredAt },
    ...budgetKeys(accountId, budgets),
    ...hold,
  ]
}

/** Records usage as one ledger row that is usage event and transfer at once, and settles the hold it names. */
export function decideUsage(draft: Draft, command: UsageCommand): LedgerOutcome {
  const { usage, accountId } = command
  const occurredAt = command.occurredAt ?? draft.now
  const hold = command.holdId === null ? undefined : findHold(draft, accountId, command.holdId)
  if (command.holdId !== null) {
    const problem = holdProblem(hold, command)
    if (problem) return problem
  }

  const paid = payable(command, hold)
  if ('status' in paid) return paid

  const account = accountOf(draft, accountId)
  const counter = counterAt(draft, account, usage.meter, occurredAt)
  const strict = command.onInsufficient === 'refuse'
  const share = hold && (command.keepsHold ? shareOf(hold, paid) : hold)
  const scopes = [...new Set([...command.budgets, ...(hold?.budgets ?? [])])]
  const budgets = budgetsOf(draft, account, scopes)
  const coverage = coverUsage({
    catalog: draft.rules.catalog,
    collecting: draft.rules.collecting,
    account: accountWithout(account, share),
    counter: counterWithout(counter, share),
    budgets: budgetsWithout(budgets, share),
    quantity: paid.quantity,
    sparks: paid.sparks,
    strict,
  })
  if (strict && coverage.refusedBy) return refuseUsage(draft, account, counter, budgets, usage, coverage, share)

  const { fromBalance: taken, settledBy } = settle(draft, coverage, paid.writtenOff)
  storable(usage.sparks, 'The Sparks of this usage')
  storable(account.balance - taken, 'The balance')
  storable(counter.used + usage.quantity, 'The usage of the period')
  storable(counter.rated + usage.sparks, 'The Sparks of the period')
  for (const { used } of budgets) storable(used + chargedBy(coverage), 'What was used of the budget')
  addRollup(draft, { accountId, occurredAt, usage, charged: chargedBy(coverage), events: 1 })
  if (hold && share) {
    if (command.keepsHold) shrinkHold(draft, hold, share, taken)
    else freeHold(draft, hold, { status: 'captured', captured: hold.captured + taken })
    expireGrants(draft, accountId, taken)
  }
  const { units: allowance, overage } = coverage
  const units = { quantity: usage.quantity, allowance, rated: usage.sparks, overage, isRequest: strict }
  countUsage(draft, account, counterAt(draft, account, usage.meter, occurredAt), units)
  countBudgets(draft, accountId, scopes, chargedBy(coverage))

  const result = post(
    draft,
    {
      command,
      operation: 'usage',
      counterAccount: 'usage',
      amount: -taken,
      reason: '',
      usage: { ...usage, occurredAt, settledBy, included: allowance, holdId: command.holdId },
    },
    (after) => {
      // What the hold gave back may cover again what was throttled.
      if (hold) recheckQuotas(draft, accountId)
      return {
        kind: 'usage',
        id: command.id,
        sparks: usage.sparks,
        costUsd: usage.costUsd,
        settledBy,
        balance: balanceOf(after),
        quota: quotaOf(draft.rules.catalog, after, counterAt(draft, after, usage.meter, occurredAt)),
      }
    },
  )
  return { status: 'applied', result }
}

export function authorizeNeeds({ accountId, usage, budgets }: AuthorizeCommand): readonly LoadKey[] {
  return [
    { kind: 'account', accountId },
    { kind: 'counter', accountId, meter: usage.meter, at: null },
    ...budgetKeys(accountId, budgets),
  ]
}

/** Answers whether usage would be let through. A refusal leaves a mark on the quota, and what passes after one lifts it. */
export function decideAuthorize(draft: Draft, { accountId, usage, ...command }: AuthorizeCommand): LedgerOutcome {
  const account = accountOf(draft, accountId)
  const counter = counterAt(draft, account, usage.meter, draft.now)
  const budgets = budgetsOf(draft, account, command.budgets)
  const coverage = cover(draft, account, counter, budgets, usage)
  if (coverage.refusedBy) return refuseUsage(draft, account, counter, budgets, usage, coverage)
  const quota = quotaOf(draft.rules.catalog, account, countPass(draft, account, counter))
  return {
    status: 'applied',
    result: { kind: 'authorize', source: coverage.source, balance: balanceOf(account), quota },
  }
}

function holdProblem(hold: Hold | undefined, command: UsageCommand): Refusal | null {
  if (!hold)
    return refused('not_found', `No hold ${command.holdId} on account ${command.accountId}.`, {
      holdId: command.holdId,
    })
  if (hold.status !== 'open') return holdIsOver(hold)
  if (hold.meter === command.usage.meter) return null
  const message = `Hold ${hold.id} is ${hold.meter === null ? 'not for a meter' : `for ${hold.meter}`}, not for ${command.usage.meter}.`
  return refused('invalid_request', message, { holdId: hold.id })
}
