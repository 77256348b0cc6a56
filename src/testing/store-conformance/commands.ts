import type { BudgetInterval } from '../../core/domain/budget.js'
import type {
  AdjustCommand,
  AmendCommand,
  AuthorizeCommand,
  CaptureCommand,
  ChangePlanCommand,
  ChangeTermsCommand,
  ExpireCommand,
  ExpireGrantCommand,
  ExtendCommand,
  GrantCommand,
  HoldCommand,
  Keyed,
  RatedUsage,
  ReleaseCommand,
  ReversePaymentCommand,
  SetBudgetCommand,
  SuspendCommand,
  UsageCommand,
} from '../../core/domain/ledger/command.js'
import { dedupeOf, fingerprintOf } from '../../core/domain/ledger/key.js'
import type { LedgerOutcome, Refusal } from '../../core/domain/ledger/outcome.js'
import type { ReversalFact } from '../../core/domain/payment.js'
import type { PeriodRate } from '../../core/domain/rating/rate.js'
import { expectEqual } from '../conformance.js'

/** One Spark. */
export const million = 1_000_000n

/** Usage of `ai_tokens` that costs as many Sparks as it has units. `rated` changes what was measured. */
export function usage(
  accountId: string,
  key: string,
  sparks: bigint,
  more: Partial<Omit<UsageCommand, 'usage'>> & { readonly rated?: Partial<RatedUsage> } = {},
): UsageCommand {
  const { rated, ...changes } = more
  return {
    kind: 'usage',
    ...keyed('usage', accountId, key),
    usage: {
      meter: 'ai_tokens',
      quantity: sparks,
      sparks,
      costUsd: null,
      model: null,
      provider: null,
      serviceTier: null,
      tokens: null,
      dimensions: {},
      priceVersion: 'v1',
      ...rated,
    },
    occurredAt: null,
    onInsufficient: 'record',
    holdId: null,
    keepsHold: false,
    onExcess: 'debt',
    budgets: [],
    ...changes,
  }
}

/** Usage that must be covered. */
export function strict(accountId: string, key: string, sparks: bigint): UsageCommand {
  return usage(accountId, key, sparks, { onInsufficient: 'refuse' })
}

export function authorize(accountId: string, sparks: bigint): AuthorizeCommand {
  const usage = { meter: 'ai_tokens', quantity: sparks, sparks, costUsd: null, dimensions: {} }
  return { kind: 'authorize', accountId, id: nextId('authorize'), usage, budgets: [] }
}

export function grant(accountId: string, key: string, amount: bigint, more: Partial<GrantCommand> = {}): GrantCommand {
  return {
    kind: 'grant',
    ...keyed('grant', accountId, key),
    amount,
    grantKind: 'paid',
    priority: 0,
    expiresAt: null,
    reason: 'given by a case',
    payment: null,
    ...more,
  }
}

/** A hold of Sparks, or with a meter of as many units. */
export function hold(
  accountId: string,
  key: string,
  sparks: bigint,
  more: Partial<Omit<HoldCommand, 'usage'>> & { readonly meter?: string } = {},
): HoldCommand {
  const { meter = null, ...changes } = more
  return {
    kind: 'hold',
    ...keyed('hold', accountId, key),
    usage: { meter, quantity: meter === null ? 0n : sparks, sparks, costUsd: null },
    ttlMs: 3_600_000,
    reason: 'work under way',
    dimensions: {},
    budgets: [],
    ...changes,
  }
}

export function capture(
  accountId: string,
  key: string,
  holdId: string,
  amount: bigint | null,
  more: Partial<CaptureCommand> = {},
): CaptureCommand {
  return {
    kind: 'capture',
    ...keyed('capture', accountId, key),
    holdId,
    amount,
    onExcess: 'debt',
    budgets: [],
    ...more,
  }
}

export function release(accountId: string, key: string, holdId: string): ReleaseCommand {
  return { kind: 'release', ...keyed('release', accountId, key), holdId }
}

/** Corrects a balance, or with `reverses` a row. */
export function adjust(
  accountId: string,
  key: string,
  amount: bigint | null,
  reverses: string | null = null,
): AdjustCommand {
  return { kind: 'adjust', ...keyed('adjust', accountId, key), amount, reverses, reason: 'corrected by a case' }
}

/** Replaces usage by so many units at as many Sparks, or at the rate that looks at its period's total; `null` voids it. */
export function amend(
  accountId: string,
  key: string,
  entryId: string,
  sparks: bigint | null,
  rate: PeriodRate | null = null,
): AmendCommand {
  const usage = sparks === null ? null : { quantity: sparks, sparks, costUsd: null, tokens: null, priceVersion: 'v1' }
  return {
    kind: 'amend',
    ...keyed('amend', accountId, key),
    entryId,
    usage,
    rate,
    budgets: [],
    reason: 'amended by a case',
  }
}

/** How a refund or dispute of a payment stands. */
export function reversePayment(
  accountId: string,
  paymentId: string,
  source: string,
  fact: ReversalFact,
): ReversePaymentCommand {
  return { kind: 'reverse_payment', accountId, id: nextId('reverse_payment'), paymentId, source, fact }
}

export function expireGrant(accountId: string, key: string, grantId: string): ExpireGrantCommand {
  return { kind: 'expire_grant', ...keyed('expire_grant', accountId, key), grantId, reason: 'ended by a case' }
}

export function setBudget(
  accountId: string,
  key: string,
  scope: string,
  limit: bigint | null,
  interval: BudgetInterval = 'month',
): SetBudgetCommand {
  return { kind: 'set_budget', ...keyed('set_budget', accountId, key), scope, limit, interval }
}

export function changeTerms(accountId: string, key: string, change: Partial<ChangeTermsCommand>): ChangeTermsCommand {
  const nothing = { zone: undefined, terms: undefined, autoTopUp: undefined }
  return {
    kind: 'change_terms',
    ...keyed('change_terms', accountId, key),
    ...nothing,
    reason: 'agreed in a case',
    ...change,
  }
}

/** Adds Sparks, or with a meter's hold as many units. */
export function extend(accountId: string, key: string, holdId: string, sparks: bigint, units = 0n): ExtendCommand {
  const more = { quantity: units, sparks, costUsd: null }
  return { kind: 'extend', ...keyed('extend', accountId, key), holdId, ttlMs: 7_200_000, more }
}

export function expire(accountId: string): ExpireCommand {
  return { kind: 'expire', accountId, id: nextId('expire') }
}

export function changePlan(accountId: string, key: string, plan: string, anchor?: number | null): ChangePlanCommand {
  return { kind: 'change_plan', ...keyed('change_plan', accountId, key), plan, anchor, reason: 'changed by a case' }
}

export function suspension(kind: SuspendCommand['kind'], accountId: string, key: string): SuspendCommand {
  return { kind, ...keyed(kind, accountId, key), reason: 'looked into' }
}

/** The command under the same key, as if it asked for something else. */
export function altered<T extends Keyed>(command: T): T {
  return { ...command, fingerprint: fingerprintOf({ altered: command.fingerprint }) }
}

/** What a command that was applied answered. */
export function applied(outcome: LedgerOutcome | undefined) {
  if (outcome?.status === 'applied') return outcome.result
  const got = outcome?.status === 'refused' ? `refused as ${outcome.code}` : (outcome?.status ?? 'absent')
  throw new Error(`expected a command to be applied, but it was ${got}`)
}

/** Fails unless every command was applied. */
export function expectApplied(outcomes: readonly LedgerOutcome[]): void {
  for (const outcome of outcomes) applied(outcome)
}

/** Fails unless the command was refused for this reason. */
export function expectRefused(outcome: LedgerOutcome | undefined, code: Refusal['code']): void {
  const got = outcome?.status === 'refused' ? outcome.code : outcome?.status
  expectEqual(got, code, 'why the command was refused')
}

/** Fails unless the command was known and answered as it was the first time. */
export function expectRepeat(outcome: LedgerOutcome | undefined, first: LedgerOutcome | undefined): void {
  expectEqual(outcome, { status: 'duplicate', result: applied(first) }, 'the outcome of a repeated key')
}

let ids = 0

/** An id for a command that leaves nothing under it. */
function nextId(kind: string): string {
  ids += 1
  return `${kind}_${ids}`
}

/** The id is the kind and the key, whatever the account. */
function keyed(kind: string, accountId: string, key: string): Keyed {
  return {
    accountId,
    id: `${kind}_${key}`,
    key,
    // Equal for equal keys of two accounts, as a key that is taken as it is may be: a store must tell them apart.
    dedupe: dedupeOf('', kind, key),
    fingerprint: fingerprintOf({ kind, key }),
  }
}
