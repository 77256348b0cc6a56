import type { AuthorizeCommand, UsageCommand } from './command.js'
import { balanceOf, counterAt, type Draft, findHold } from './draft.js'
import { coverUsage, quotaOf } from './entitlement.js'
import { freeHold, holdIsOver } from './holds.js'
import type { LedgerOutcome, Refusal } from './outcome.js'
import { accountOf, post, refused, storable } from './posting.js'
import { countUsage } from './quotas.js'
import { cover, refuseUsage } from './refusal.js'
import { addRollup } from './rollup.js'
import { settle } from './settlement.js'
import type { Counter, Hold, LoadKey } from './state.js'

export function usageNeeds(command: UsageCommand): readonly LoadKey[] {
  const { accountId, usage, occurredAt, dedupe, holdId } = command
  const hold: LoadKey[] =
    holdId === null
      ? []
      : [
          { kind: 'hold', accountId, holdId },
          { kind: 'hold_counter', accountId, holdId },
        ]
  return [
    { kind: 'account', accountId },
    { kind: 'key', accountId, dedupe },
    { kind: 'counter', accountId, meter: usage.meter, at: occurredAt },
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

  const account = accountOf(draft, accountId)
  const counter = counterAt(draft, account, usage.meter, occurredAt)
  const coverage = coverUsage({
    catalog: draft.rules.catalog,
    collecting: draft.rules.collecting,
    account: { ...account, held: account.held - (hold?.sparks ?? 0n) },
    counter: { ...counter, held: counter.held - unitsHeldIn(counter, hold) },
    quantity: usage.quantity,
    sparks: usage.sparks,
    strict: command.onInsufficient === 'refuse',
  })
  if (command.onInsufficient === 'refuse' && coverage.refusedBy)
    return refuseUsage(draft, account, counter, usage, coverage)

  const settlement = settle(draft, coverage, hold, command)
  if ('status' in settlement) return settlement
  const taken = settlement.fromBalance
  storable(usage.sparks, 'The Sparks of this usage')
  storable(account.balance - taken, 'The balance')
  storable(counter.used + usage.quantity, 'The usage of the period')
  addRollup(draft, accountId, usage.meter, usage, occurredAt)
  if (hold) freeHold(draft, hold, { status: 'captured', captured: taken })
  const free = counterAt(draft, account, usage.meter, occurredAt)
  const counted = countUsage(draft, account, { ...free, used: free.used + usage.quantity })

  const settledBy = settlement.settledBy
  const result = post(
    draft,
    {
      command,
      operation: 'usage',
      counterAccount: 'usage',
      amount: -taken,
      reason: '',
      usage: { ...usage, occurredAt, settledBy, holdId: command.holdId },
    },
    (after) => ({
      kind: 'usage',
      id: command.id,
      sparks: usage.sparks,
      costUsd: usage.costUsd,
      settledBy,
      balance: balanceOf(after),
      quota: quotaOf(draft.rules.catalog, after, counted),
    }),
  )
  return { status: 'applied', result }
}

export function authorizeNeeds({ accountId, usage }: AuthorizeCommand): readonly LoadKey[] {
  return [
    { kind: 'account', accountId },
    { kind: 'counter', accountId, meter: usage.meter, at: null },
  ]
}

/** Answers whether usage would be let through; only a refusal leaves a mark, on the quota. */
export function decideAuthorize(draft: Draft, { accountId, usage }: AuthorizeCommand): LedgerOutcome {
  const account = accountOf(draft, accountId)
  const counter = counterAt(draft, account, usage.meter, draft.now)
  const coverage = cover(draft, account, counter, usage)
  if (coverage.refusedBy) return refuseUsage(draft, account, counter, usage, coverage)
  const quota = quotaOf(draft.rules.catalog, account, counter)
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

function unitsHeldIn(counter: Counter, hold: Hold | undefined): bigint {
  return hold && hold.meter === counter.meter && hold.periodStartsAt === counter.startsAt ? hold.quantity : 0n
}
