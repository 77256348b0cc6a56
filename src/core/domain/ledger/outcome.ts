import type { ErrorCode } from '../../errors.js'
import type { Instant } from '../period.js'
import type { QuotaStatus } from '../quota.js'
import type { MicroSparks, MicroUnits } from '../sparks.js'

/** Open, or how it ended. */
export type HoldStatus = 'open' | 'captured' | 'released' | 'expired'

/** How rated usage was paid, in micro-sparks; the parts sum to what was rated. */
export type SettledBy = Readonly<Record<string, MicroSparks>>

/** What an account has: `available` is what holds leave of the balance; `debt` is what it owes when the balance is negative. */
export interface Balance {
  readonly balance: MicroSparks
  readonly held: MicroSparks
  readonly available: MicroSparks
  readonly debt: MicroSparks
}

/** Where an account stands on one meter in the period that contains the event or the question. */
export interface Quota {
  readonly meter: string
  readonly status: QuotaStatus
  readonly used: MicroUnits
  /** Reserved by open holds. */
  readonly held: MicroUnits
  /** Hard limit, or else what the plan includes; `null` for no limit. */
  readonly limit: MicroUnits | null
  /** What is left of the limit; `null` for no limit. */
  readonly remaining: MicroUnits | null
  readonly periodStartsAt: Instant
  /** When the period ends and the count starts again. */
  readonly resetsAt: Instant
}

/** What recording usage answers, and answers again for its key. */
export interface UsageResult {
  readonly kind: 'usage'
  readonly id: string
  readonly sparks: MicroSparks
  readonly costUsd: string | null
  readonly settledBy: SettledBy
  readonly balance: Balance
  readonly quota: Quota
}

/** What a grant, an expiry, a capture or a change of the account answers. */
export interface EntryResult {
  readonly kind: 'entry'
  readonly id: string
  readonly amount: MicroSparks
  readonly balance: Balance
}

/** A hold as its last command left it. */
export interface HoldResult {
  readonly kind: 'hold'
  readonly id: string
  readonly status: HoldStatus
  readonly meter: string | null
  readonly quantity: MicroUnits
  readonly sparks: MicroSparks
  readonly captured: MicroSparks
  readonly expiresAt: Instant
  readonly balance: Balance
}

/** Who would pay for usage that is let through. */
export type UsageSource = 'allowance' | 'credits' | 'overage' | 'unlimited' | 'byo'

/** What asking answers when usage would be let through. */
export interface AuthorizeResult {
  readonly kind: 'authorize'
  readonly source: UsageSource
  readonly balance: Balance
  readonly quota: Quota
}

/** What is stored beside a key and answered again. */
export type StoredResult = UsageResult | EntryResult | HoldResult

/** Why a command was refused; a refusal leaves no entry, balance, hold or key behind. */
export interface Refusal {
  readonly status: 'refused'
  readonly code: ErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** One per command, in order. */
export type LedgerOutcome =
  | {
      readonly status: 'applied'
      readonly result:
        | StoredResult
        | AuthorizeResult
        | { readonly kind: 'expire'; readonly expired: number }
        | { readonly kind: 'payment'; readonly reversed: MicroSparks }
      /** For usage: the deliveries that its ledger row names. */
      readonly deliveries?: Readonly<Record<string, string | null>>
    }
  | { readonly status: 'duplicate'; readonly result: StoredResult }
  | Refusal
