import type { BudgetInterval } from '../budget.js'
import type { GrantKind } from '../credit-grant.js'
import type { ReversalFact } from '../payment.js'
import type { Instant } from '../period.js'
import type { ServiceTier } from '../rating/price-book.js'
import type { PeriodRate } from '../rating/rate.js'
import type { MicroSparks, MicroUnits } from '../sparks.js'
import type { Refusal } from './outcome.js'
import type { AccountTerms, AutoTopUp } from './terms.js'

/** What every command that leaves something behind carries: its account and what makes a repeat of it harmless. */
export interface Keyed {
  readonly accountId: string
  /** The id of what the command makes. */
  readonly id: string
  /** The caller's key as given. */
  readonly key: string
  /** `dedupeOf` its operation and key. */
  readonly dedupe: string
  /** `fingerprintOf` the parsed input. */
  readonly fingerprint: string
  /**
   * What speaks against it by what the app says now: it is refused so, unless its key was answered before. What it is about could not be
   * rated then, and is left out.
   */
  readonly refusal?: Refusal | undefined
}

/** One fact of consumption, already rated. */
export interface RatedUsage {
  readonly meter: string
  readonly quantity: MicroUnits
  readonly sparks: MicroSparks
  /** Exact cost in the catalog's currency before margin, as decimal text. */
  readonly costUsd: string | null
  readonly model: string | null
  /** Who served the model, where that was said. */
  readonly provider: string | null
  /** How it was served, for usage of a model. */
  readonly serviceTier: ServiceTier | null
  /** Counts by token pool, as given. */
  readonly tokens: Readonly<Record<string, number>> | null
  readonly dimensions: Readonly<Record<string, string>>
  /** The catalog version whose rates were used. */
  readonly priceVersion: string
}

/** What happens to the part of a capture that exceeds its hold: it is taken all the same, borne by the house, or the capture is refused. */
export type ExcessPolicy = 'debt' | 'write_off' | 'refuse'

/** Records usage. `refuse` leaves no trace when nothing covers it; `record` turns the shortfall into debt. */
export interface UsageCommand extends Keyed {
  readonly kind: 'usage'
  readonly usage: RatedUsage
  /** `null`: now, by the database's clock. */
  readonly occurredAt: Instant | null
  readonly onInsufficient: 'record' | 'refuse'
  /** The hold this usage settles. */
  readonly holdId: string | null
  /** Whether it takes its share of the hold and leaves the rest reserved. */
  readonly keepsHold: boolean
  readonly onExcess: ExcessPolicy
  /** The budgets it counts against, as `scopesOf` names them. */
  readonly budgets: readonly string[]
  /** Whether it was read out of traces: it is there already, and is not traced again. */
  readonly isPulled?: boolean
}

/** Replaces what a usage event measured by what it should have; `usage: null` voids it. */
export interface AmendCommand extends Keyed {
  readonly kind: 'amend'
  readonly entryId: string
  readonly usage: Pick<RatedUsage, 'quantity' | 'sparks' | 'costUsd' | 'tokens' | 'priceVersion'> | null
  /** The rate that held for the event, where it looks at the period's total; whatever holds by now. */
  readonly rate: PeriodRate | null
  readonly budgets: readonly string[]
  readonly reason: string
}

/** Asks whether usage would be let through, and leaves nothing but the mark of a refusal. */
export interface AuthorizeCommand {
  readonly kind: 'authorize'
  readonly accountId: string
  readonly id: string
  readonly usage: Pick<RatedUsage, 'meter' | 'quantity' | 'sparks' | 'costUsd' | 'dimensions'>
  readonly budgets: readonly string[]
}

/** Reserves credits, and units of a meter when it names one. */
export interface HoldCommand extends Keyed {
  readonly kind: 'hold'
  readonly usage: Pick<RatedUsage, 'quantity' | 'sparks' | 'costUsd'> & { readonly meter: string | null }
  readonly ttlMs: number
  readonly reason: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly budgets: readonly string[]
}

/** Gives a hold more time, and reserves more. */
export interface ExtendCommand extends Keyed {
  readonly kind: 'extend'
  readonly holdId: string
  /** From now; never less than it had. */
  readonly ttlMs: number
  /** What is added to what the hold reserves; `null` for nothing. */
  readonly more: Pick<RatedUsage, 'quantity' | 'sparks' | 'costUsd'> | null
}

/** Takes `amount` out of a hold without a meter (all of it by default) and gives back the rest. */
export interface CaptureCommand extends Keyed {
  readonly kind: 'capture'
  readonly holdId: string
  readonly amount: MicroSparks | null
  readonly onExcess: ExcessPolicy
  readonly budgets: readonly string[]
}

/** Gives a hold back. */
export interface ReleaseCommand extends Keyed {
  readonly kind: 'release'
  readonly holdId: string
}

/** Gives credits. */
export interface GrantCommand extends Keyed {
  readonly kind: 'grant'
  readonly amount: MicroSparks
  readonly grantKind: GrantKind
  readonly priority: number
  readonly expiresAt: Instant | null
  readonly reason: string
  /** The payment that bought them, which a refund or dispute may name. */
  readonly payment: { readonly id: string; readonly nanos: bigint; readonly currency: string } | null
}

/** Corrects a balance, by hand. Adding makes promotional credits; with `reverses` it takes back what that row did. */
export interface AdjustCommand extends Keyed {
  readonly kind: 'adjust'
  /** Negative takes; `null` reverses all that is left of the row. */
  readonly amount: MicroSparks | null
  readonly reverses: string | null
  readonly reason: string
}

/** Ends what is left of a grant before its time. */
export interface ExpireGrantCommand extends Keyed {
  readonly kind: 'expire_grant'
  readonly grantId: string
  readonly reason: string
}

/** What a provider says of a refund or dispute of a payment; harmless to repeat, in any order. */
export interface ReversePaymentCommand {
  readonly kind: 'reverse_payment'
  readonly accountId: string
  readonly id: string
  readonly paymentId: string
  /** The refund's or dispute's id at the provider. */
  readonly source: string
  readonly fact: ReversalFact
}

/** Ends the holds and grants of an account whose time is over. */
export interface ExpireCommand {
  readonly kind: 'expire'
  readonly accountId: string
  readonly id: string
  /** Whether levels are counted up to now, and not up to the end of periods that are over alone. */
  readonly countsLevels?: boolean
}

/** Puts an account on other terms; `anchor` moves the start of its periods, `undefined` leaves it. */
export interface ChangePlanCommand extends Keyed {
  readonly kind: 'change_plan'
  readonly plan: string
  readonly anchor: Instant | null | undefined
  /** The subscription it comes with, and the period of that which is paid for, if one is; `null` for none; without it, as before. */
  readonly paid?: {
    readonly source: string
    /** Who has it. */
    readonly provider: string
    readonly period: { readonly startsAt: Instant; readonly endsAt: Instant } | null
  } | null
  readonly reason: string
}

/** Changes what was agreed with an account; what is `undefined` stays as it is. */
export interface ChangeTermsCommand extends Keyed {
  readonly kind: 'change_terms'
  readonly zone: string | undefined
  readonly terms: AccountTerms | null | undefined
  readonly autoTopUp: Omit<AutoTopUp, 'askedAt' | 'isPending'> | null | undefined
  /** Who is to collect from the next period on. */
  readonly collector?: string
  readonly reason: string
}

/** Sets what an account, a key, a user or another dimension may be charged in a period; `limit: null` takes the budget away. */
export interface SetBudgetCommand extends Keyed {
  readonly kind: 'set_budget'
  readonly scope: string
  readonly limit: MicroSparks | null
  readonly interval: BudgetInterval
}

/** Adds to what a budget allows; one that has no limit keeps none. */
export interface RaiseBudgetCommand extends Keyed {
  readonly kind: 'raise_budget'
  readonly scope: string
  readonly amount: MicroSparks
}

/** Stops an account from starting new usage, or lets it go on. */
export interface SuspendCommand extends Keyed {
  readonly kind: 'suspend' | 'resume'
  readonly reason: string
  /** Done by rule and not by a person: what a person has suspended, for another reason, is left as it is. */
  readonly isAutomatic?: boolean
}

/** Whatever changes a balance, a counter or a hold. */
export type LedgerCommand =
  | UsageCommand
  | AmendCommand
  | AuthorizeCommand
  | HoldCommand
  | ExtendCommand
  | CaptureCommand
  | ReleaseCommand
  | GrantCommand
  | AdjustCommand
  | ExpireGrantCommand
  | ReversePaymentCommand
  | ExpireCommand
  | ChangePlanCommand
  | ChangeTermsCommand
  | SetBudgetCommand
  | RaiseBudgetCommand
  | SuspendCommand
