import { formatSparks } from '../sparks.js'
import { budgetKeys, budgetsOf, countBudgets, holdBudgets } from './budgets.js'
import type { CaptureCommand, ExtendCommand, HoldCommand, ReleaseCommand } from './command.js'
import { accountDraft, balanceOf, counterAt, type Draft, findHold, setAccount, setCounter, setHold } from './draft.js'
import { accountWithout, chargedBy, counterWithout, type Share } from './entitlement.js'
import { expireGrants } from './expiry.js'
import { pricedBeyond } from './measure.js'
import type { HoldResult, LedgerOutcome, Refusal } from './outcome.js'
import { accountOf, emit, entryResult, post, refused, storable } from './posting.js'
import { countHold, recheckQuotas } from './quotas.js'
import { cover, refuseUsage } from './refusal.js'
import { addRollup, summedBy } from './rollup.js'
import { withoutZeros } from './settlement.js'
import type { Hold, LoadKey } from './state.js'

export function holdNeeds({ accountId, dedupe, usage, budgets }: HoldCommand): readonly LoadKey[] {
  const counter: LoadKey[] = usage.meter === null ? [] : [{ kind: 'counter', accountId, meter: usage.meter, at: null }]
  return [
    { kind: 'account', accountId },
    { kind: 'key', accountId, dedupe },
    ...counter,
    ...budgetKeys(accountId, budgets),
  ]
}

/** Reserves what the usage would cost beyond the allowance, and its units on the meter, with the allowance that is free for them. */
export function decideHold(draft: Draft, command: HoldCommand): LedgerOutcome {
  const { accountId, usage } = command
  const meter = usage.meter === null ? undefined : draft.rules.catalog.meters.get(usage.meter)
  if (meter && meter.aggregation !== 'sum' && meter.aggregation !== 'count') {
    const message = `${meter.name} is no sum (${meter.aggregation}): what it will come to cannot be reserved.`
    return refused('option_unsupported', message, { meter: meter.name })
  }
  const account = accountOf(draft, accountId)
  const counter = usage.meter === null ? null : counterAt(draft, account, usage.meter, draft.now)
  const budgets = budgetsOf(draft, account, command.budgets)
  const asked = counter
    ? pricedBeyond(draft, account, counter, { ...usage, dimensions: command.dimensions }, draft.now)
    : usage
  const coverage = cover(draft, account, counter, budgets, asked)
  if (coverage.refusedBy) return refuseUsage(draft, account, counter, budgets, asked, coverage)

  storable(asked.sparks, 'The Sparks of this hold')
  if (counter) storable(counter.held + usage.quantity, 'What is held of the quota')
  const after = { ...account, held: account.held + coverage.credits }
  setAccount(draft, after)
  if (counter) countHold(draft, account, counter, { quantity: usage.quantity, allowance: coverage.units })
  holdBudgets(draft, accountId, command.budgets, chargedBy(coverage))
  const expiresAt = draft.now + command.ttlMs
  const result: HoldResult = {
    kind: 'hold',
    id: command.id,
    status: 'open',
    meter: usage.meter,
    quantity: usage.quantity,
    sparks: coverage.credits,
    captured: 0n,
    expiresAt,
    balance: balanceOf(after),
  }
  setHold(draft, {
    id: command.id,
    accountId,
    meter: usage.meter,
    quantity: usage.quantity,
    sparks: coverage.credits,
    allowance: coverage.units,
    rated: asked.sparks,
    dimensions: command.dimensions,
    // A budget that is set later is not reserved, and must not be freed.
    budgets: budgets.map(({ scope }) => scope),
    budgeted: chargedBy(coverage),
    status: 'open',
    captured: 0n,
    periodStartsAt: counter?.startsAt ?? null,
    createdAt: draft.now,
    expiresAt,
    reason: command.reason,
    key: command.key,
    dedupe: command.dedupe,
    fingerprint: command.fingerprint,
    result,
    release: null,
  })
  remember(draft, command, result)
  return { status: 'applied', result }
}

export function extendNeeds({ accountId, dedupe, holdId }: ExtendCommand): readonly LoadKey[] {
  return [
    { kind: 'account', accountId },
    { kind: 'key', accountId, dedupe },
    { kind: 'hold', accountId, holdId },
    { kind: 'hold_counter', accountId, holdId },
  ]
}

/** Gives a hold more time, and reserves more as if it were a hold of its own; refused as one would be, it stays as it was. */
export function decideExtend(draft: Draft, command: ExtendCommand): LedgerOutcome {
  const { accountId, more } = command
  const hold = openHold(draft, command)
  if ('code' in hold) return hold
  const account = accountOf(draft, accountId)
  const longer = { ...hold, expiresAt: Math.max(hold.expiresAt, draft.now + command.ttlMs) }
  const counter =
    hold.meter === null || hold.periodStartsAt === null
      ? null
      : counterAt(draft, account, hold.meter, hold.periodStartsAt)
  if (more) {
    const budgets = budgetsOf(draft, account, hold.budgets)
    const asked = counter
      ? pricedBeyond(draft, account, counter, { ...more, dimensions: hold.dimensions }, draft.now)
      : more
    const coverage = cover(draft, account, counter, budgets, asked)
    if (coverage.refusedBy) return refuseUsage(draft, account, counter, budgets, asked, coverage)
    storable(hold.rated + asked.sparks, 'The Sparks of this hold')
    if (counter) {
      storable(counter.held + more.quantity, 'What is held of the quota')
      countHold(draft, account, counter, { quantity: more.quantity, allowance: coverage.units })
    }
    setAccount(draft, { ...account, held: account.held + coverage.credits })
    holdBudgets(draft, accountId, hold.budgets, chargedBy(coverage))
    setHold(draft, {
      ...longer,
      quantity: hold.quantity + more.quantity,
      sparks: hold.sparks + coverage.credits,
      allowance: hold.allowance + coverage.units,
      rated: hold.rated + asked.sparks,
      budgeted: hold.budgeted + chargedBy(coverage),
    })
  } else setHold(draft, longer)
  const extended = findHold(draft, accountId, hold.id) ?? longer
  const reason = hold.reason
  const posting = { command, operation: 'extend', counterAccount: 'none', amount: 0n, reason, usage: null } as const
  return post(draft, posting, () => holdResult(draft, extended))
}

export function captureNeeds(command: CaptureCommand): readonly LoadKey[] {
  return [...releaseNeeds(command), ...budgetKeys(command.accountId, command.budgets)]
}

export function releaseNeeds({ accountId, dedupe, holdId }: CaptureCommand | ReleaseCommand): readonly LoadKey[] {
  return [
    { kind: 'account', accountId },
    { kind: 'key', accountId, dedupe },
    { kind: 'hold', accountId, holdId },
    { kind: 'hold_counter', accountId, holdId },
    { kind: 'counters', accountId },
  ]
}

/** Takes all or part of a hold that names no meter; holds on a meter are captured by usage. */
export function decideCapture(draft: Draft, command: CaptureCommand): LedgerOutcome {
  const hold = openHold(draft, command)
  if ('code' in hold) return hold
  if (hold.meter !== null) {
    return refused(
      'invalid_request',
      `Hold ${hold.id} is for ${hold.meter}: capture a quantity, tokens or a cost, not an amount.`,
      {
        holdId: hold.id,
      },
    )
  }
  const wanted = command.amount ?? hold.sparks
  const excess = wanted > hold.sparks ? wanted - hold.sparks : 0n
  if (excess > 0n && command.onExcess === 'refuse') {
    return refused(
      'amount_out_of_range',
      `Hold ${hold.id} reserves ${formatSparks(hold.sparks)} Sparks, not ${formatSparks(wanted)}.`,
      {
        holdId: hold.id,
        heldSparks: hold.sparks,
        requestedSparks: wanted,
      },
    )
  }
  const writtenOff = command.onExcess === 'write_off' ? excess : 0n
  const taken = wanted - writtenOff
  const account = accountOf(draft, command.accountId)
  storable(wanted, 'The amount')
  storable(account.balance - taken, 'The balance')
  const funded = account.balance > 0n ? account.balance : 0n
  const credits = taken < funded ? taken : funded
  const usage = {
    meter: '',
    quantity: 0n,
    sparks: wanted,
    costUsd: null,
    model: null,
    provider: null,
    serviceTier: null,
    tokens: null,
    dimensions: hold.dimensions,
    priceVersion: draft.rules.catalog.version,
    occurredAt: draft.now,
    settledBy: withoutZeros({ credits, debt: taken - credits, written_off: writtenOff }),
    measured: 0n,
    included: 0n,
    holdId: hold.id,
    summedBy: summedBy(draft, hold.dimensions),
  }
  addRollup(draft, { accountId: command.accountId, occurredAt: draft.now, usage, charged: taken, events: 1 })
  freeHold(draft, hold, { status: 'captured', captured: taken })
  countBudgets(draft, command.accountId, [...new Set([...command.budgets, ...hold.budgets])], taken)
  expireGrants(draft, command.accountId, taken)
  const posting = {
    command,
    operation: 'capture',
    counterAccount: 'usage',
    amount: -taken,
    reason: hold.reason,
    usage,
  } as const
  const outcome = post(draft, posting, entryResult(command.id, -taken))
  recheckQuotas(draft, command.accountId)
  return outcome
}

/** Gives a hold back. */
export function decideRelease(draft: Draft, command: ReleaseCommand): LedgerOutcome {
  const hold = openHold(draft, command)
  if ('code' in hold) return hold
  const freed = freeHold(draft, hold, { status: 'released', captured: hold.captured })
  expireGrants(draft, command.accountId)
  const result = holdResult(draft, freed)
  setHold(draft, { ...freed, release: { dedupe: command.dedupe, fingerprint: command.fingerprint, result } })
  remember(draft, command, result)
  recheckQuotas(draft, command.accountId)
  return { status: 'applied', result }
}

/** Ends a hold: what it reserved, credits, units and budgets, is free again. */
export function freeHold(draft: Draft, hold: Hold, end: Pick<Hold, 'status' | 'captured'>): Hold {
  freeShare(draft, hold.accountId, hold)
  const ended = { ...hold, ...end }
  setHold(draft, ended)
  return ended
}

/** Frees a share of a hold and leaves the rest reserved. */
export function shrinkHold(draft: Draft, hold: Hold, share: Share, captured: bigint): void {
  freeShare(draft, hold.accountId, share)
  setHold(draft, {
    ...hold,
    quantity: hold.quantity - share.quantity,
    sparks: hold.sparks - share.sparks,
    allowance: hold.allowance - share.allowance,
    rated: hold.rated - share.rated,
    budgeted: hold.budgeted - share.budgeted,
    captured: hold.captured + captured > 0n ? hold.captured + captured : 0n,
  })
}

function freeShare(draft: Draft, accountId: string, share: Share): void {
  const account = accountOf(draft, accountId)
  setAccount(draft, accountWithout(account, share))
  if (share.meter !== null && share.periodStartsAt !== null) {
    const counter = counterAt(draft, account, share.meter, share.periodStartsAt)
    setCounter(draft, counterWithout(counter, share))
  }
  holdBudgets(draft, accountId, share.budgets, -share.budgeted)
}

/** Ends the open holds of an account whose time is over, by the store's clock. */
export function expireHolds(draft: Draft, accountId: string): number {
  const { holds } = accountDraft(draft, accountId)
  if (!holds) return 0
  const over = [...holds.values()].filter(({ value }) => value.status === 'open' && value.expiresAt <= draft.now)
  for (const { value: hold } of over) {
    freeHold(draft, hold, { status: 'expired', captured: hold.captured })
    emit(draft, {
      id: `evt_${hold.id}`,
      type: 'hold.expired',
      accountId,
      data: {
        holdId: hold.id,
        sparks: formatSparks(hold.sparks),
        meter: hold.meter,
        reason: hold.reason,
        idempotencyKey: hold.key,
        apiKeyId: hold.dimensions.api_key ?? null,
        userId: hold.dimensions.user ?? null,
      },
    })
  }
  return over.length
}

export function holdIsOver(hold: Hold): Refusal {
  const remedy = hold.status === 'expired' ? ' Record what was used with recordUsage.' : ''
  return refused('invalid_state', `Hold ${hold.id} is ${hold.status} already.${remedy}`, {
    holdId: hold.id,
    status: hold.status,
  })
}

function openHold(
  draft: Draft,
  { accountId, holdId }: CaptureCommand | ReleaseCommand | ExtendCommand,
): Hold | Refusal {
  const hold = findHold(draft, accountId, holdId)
  if (!hold) return refused('not_found', `No hold ${holdId} on account ${accountId}.`, { holdId })
  return hold.status === 'open' ? hold : holdIsOver(hold)
}

function holdResult(draft: Draft, hold: Hold): HoldResult {
  const { id, status, meter, quantity, sparks, captured, expiresAt } = hold
  return {
    kind: 'hold',
    id,
    status,
    meter,
    quantity,
    sparks,
    captured,
    expiresAt,
    balance: balanceOf(accountOf(draft, hold.accountId)),
  }
}

function remember(
  draft: Draft,
  { accountId, dedupe, fingerprint }: HoldCommand | ReleaseCommand,
  result: HoldResult,
): void {
  draft.keys.set(dedupe, { accountId, dedupe, fingerprint, result })
}
