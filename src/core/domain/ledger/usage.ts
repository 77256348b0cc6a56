import { isLevel } from '../aggregation.js'
import { decideTimeWeighted } from './accrual.js'
import { budgetKeys, budgetsOf } from './budgets.js'
import type { AuthorizeCommand, UsageCommand } from './command.js'
import { balanceOf, counterAt, type Draft, findHold, setCounter, setSeen } from './draft.js'
import { counterWithout, quotaOf } from './entitlement.js'
import { holdIsOver } from './holds.js'
import { measure, measureNeeds, pricedBeyond } from './measure.js'
import type { LedgerOutcome, Refusal } from './outcome.js'
import { accountOf, refused } from './posting.js'
import { countPass } from './quotas.js'
import { cover, refuseUsage } from './refusal.js'
import { payable, shareOf } from './settlement.js'
import type { Hold, LedgerRules, LoadKey } from './state.js'
import { settleUsage } from './usage-row.js'

/** Adds what usage needs to a list, since there are many of it in a batch. */
export function addUsageNeeds(keys: LoadKey[], command: UsageCommand, rules: LedgerRules): void {
  const { accountId, usage, occurredAt, dedupe, holdId, budgets } = command
  keys.push({ kind: 'account', accountId })
  keys.push({ kind: 'key', accountId, dedupe })
  keys.push({ kind: 'counter', accountId, meter: usage.meter, at: occurredAt })
  for (const scope of budgets) keys.push({ kind: 'budget', accountId, scope })
  const measuring = measureNeeds(accountId, usage, occurredAt, rules)
  if (measuring) keys.push(measuring)
  if (holdId !== null) {
    keys.push({ kind: 'hold', accountId, holdId })
    keys.push({ kind: 'hold_counter', accountId, holdId })
    keys.push({ kind: 'counters', accountId })
  }
}

/** Records usage as one ledger row that is usage event and transfer at once, and settles the hold it names. */
export function decideUsage(draft: Draft, command: UsageCommand): LedgerOutcome {
  const { usage, accountId } = command
  const hold = command.holdId === null ? undefined : findHold(draft, accountId, command.holdId)
  if (command.holdId !== null) {
    const problem = holdProblem(hold, command)
    if (problem) return problem
  }
  const meter = draft.rules.catalog.meters.get(usage.meter)
  const isLevelNow = meter !== undefined && isLevel(meter.aggregation)
  // A level holds from when the ledger hears of it, at the latest.
  const occurredAt = isLevelNow
    ? Math.min(command.occurredAt ?? draft.now, draft.now)
    : (command.occurredAt ?? draft.now)
  if (meter?.aggregation === 'time_weighted') return decideTimeWeighted(draft, command, occurredAt)

  const account = accountOf(draft, accountId)
  const countedAt = countedIn(command, hold) ?? occurredAt
  const counter = counterAt(draft, account, usage.meter, countedAt)
  // What the plan gives is reserved by the hold that is settled: its own units of it are free for it.
  const settled = hold && (command.keepsHold ? shareOf(hold, { quantity: usage.quantity, sparks: 0n }) : hold)
  const measured = measure(draft, account, counterWithout(counter, settled), usage, occurredAt)
  const paid = payable(command, measured, hold)
  if ('status' in paid) return paid
  const outcome = settleUsage(draft, { command, operation: 'usage', occurredAt, countedAt, measured, paid, hold })
  if (outcome.status !== 'applied') return outcome
  if (meter?.aggregation === 'unique') {
    const value = usage.dimensions[meter.countedBy ?? ''] ?? ''
    setSeen(draft, { accountId, meter: meter.name, value, startsAt: counter.startsAt })
  }
  if (meter?.aggregation === 'level' && occurredAt >= (counter.asOf ?? occurredAt)) {
    const counted = counterAt(draft, account, meter.name, occurredAt)
    setCounter(draft, { ...counted, level: usage.quantity, asOf: occurredAt })
  }
  return outcome
}

/**
 * What settles a hold is counted in the period that the hold was taken in, however long the work took: what the plan gives was reserved
 * there. A lease goes on from period to period, and its usage is counted when it happens.
 */
function countedIn({ occurredAt, keepsHold }: UsageCommand, hold: Hold | undefined): number | null {
  return occurredAt === null && !keepsHold ? (hold?.periodStartsAt ?? null) : null
}

export function authorizeNeeds(
  { accountId, usage, budgets }: AuthorizeCommand,
  rules: LedgerRules,
): readonly LoadKey[] {
  const measuring = measureNeeds(accountId, usage, null, rules)
  return [
    { kind: 'account', accountId },
    { kind: 'counter', accountId, meter: usage.meter, at: null },
    ...budgetKeys(accountId, budgets),
    ...(measuring ? [measuring] : []),
  ]
}

/** Answers whether usage would be let through. A refusal leaves a mark on the quota, and what passes after one lifts it. */
export function decideAuthorize(draft: Draft, { accountId, usage, ...command }: AuthorizeCommand): LedgerOutcome {
  const account = accountOf(draft, accountId)
  const counter = counterAt(draft, account, usage.meter, draft.now)
  const budgets = budgetsOf(draft, account, command.budgets)
  const asked = pricedBeyond(draft, account, counter, usage, draft.now)
  const coverage = cover(draft, account, counter, budgets, asked)
  if (coverage.refusedBy) return refuseUsage(draft, account, counter, budgets, asked, coverage)
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
