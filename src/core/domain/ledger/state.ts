import type { Budget } from '../budget.js'
import type { CatalogData } from '../catalog.js'
import type { Burn, CreditGrant } from '../credit-grant.js'
import type { BillingEvent } from '../event.js'
import type { Payment } from '../payment.js'
import type { Instant } from '../period.js'
import type { QuotaStatus } from '../quota.js'
import type { MicroSparks, MicroUnits } from '../sparks.js'
import type { RatedUsage } from './command.js'
import type { HoldResult, HoldStatus, SettledBy, StoredResult } from './outcome.js'
import type { AccountTerms, AutoTopUp } from './terms.js'

/** The subscription that gives a plan: its recurring credits come with each of its periods that is paid for, and not by the calendar. */
export interface PaidPlan {
  /** What the provider calls it. */
  readonly source: string
  /** Who has it. */
  readonly provider: string
  /** The end of the last period that was paid for; `null` while none was. */
  readonly until: Instant | null
  /** The recurring credits that were given for that period. */
  readonly given: MicroSparks
  /** What of recurring credits was left at its end, to be carried over into the next one. */
  readonly unused: MicroSparks
}

/** Who collects what an account uses beyond allowance and credits, of usage that happens from a moment on. */
export interface Collector {
  readonly provider: string
  readonly from: Instant
}

/** The paying party, with the sums the ledger keeps for it. */
export interface AccountState {
  readonly id: string
  /** Sum of the account's ledger rows; negative is debt. */
  readonly balance: MicroSparks
  /** Sum of its open holds. */
  readonly held: MicroSparks
  readonly plan: string
  /** Where its billing periods begin; `null` for calendar months. */
  readonly anchor: Instant | null
  /** The IANA time zone its periods are reckoned in. */
  readonly zone: string
  readonly suspendedFor: string | null
  /** When its plan's recurring credits are due again; `null` while it has had none. */
  readonly renewsAt: Instant | null
  /** How many recurring credits it was given for the period that ends at `renewsAt`. */
  readonly renewed: MicroSparks
  /** The subscription its plan comes with; `null` for one that is nobody's to pay for again. */
  readonly paidPlan: PaidPlan | null
  /** The currency it pays in, fixed by its first payment. */
  readonly currency: string | null
  /** What was agreed with this account beside its plan. */
  readonly terms: AccountTerms | null
  readonly autoTopUp: AutoTopUp | null
  /** Who collects when, oldest first; empty until the first usage is told to anybody. The last may be for a time to come. */
  readonly collectors: readonly Collector[]
}

/** Use of one meter by one account in one period. */
export interface Counter {
  readonly accountId: string
  readonly meter: string
  readonly startsAt: Instant
  readonly endsAt: Instant
  readonly used: MicroUnits
  /** Reserved by open holds. */
  readonly held: MicroUnits
  /** How many of the used units the plan gave. */
  readonly allowance: MicroUnits
  /** How many of the held units are reserved out of what the plan gives. */
  readonly heldAllowance: MicroUnits
  /** What the used units cost, whoever paid. */
  readonly rated: MicroSparks
  /** How much of that is collected afterwards by the provider in charge. */
  readonly overage: MicroSparks
  /** By destination, what is left below one whole Spark of what was reported. */
  readonly carried: Readonly<Record<string, MicroSparks>>
  /** For meters of a level: the level as of `asOf`; `null` for others. */
  readonly level: MicroUnits | null
  /** Up to when a level has been counted. */
  readonly asOf: Instant | null
  /** For levels weighted by time: level times milliseconds so far, in micro-units. */
  readonly area: bigint | null
  /** For levels weighted by time: how long a whole period is, also when this one was cut short. */
  readonly wholeMs: number | null
  readonly status: QuotaStatus
  readonly throttledAttempts: number
  /** How many billing events this counter has caused; numbers them. */
  readonly transitions: number
}

/** A level that was set, from then on until the next. */
export interface LevelChange {
  readonly accountId: string
  readonly meter: string
  readonly at: Instant
  readonly value: MicroUnits
}

/** A value that a `unique` meter has counted in a period. */
export interface SeenValue {
  readonly accountId: string
  readonly meter: string
  readonly value: string
  readonly startsAt: Instant
}

/** Credits, and units of a meter, reserved for work under way. */
export interface Hold {
  readonly id: string
  readonly accountId: string
  readonly meter: string | null
  readonly quantity: MicroUnits
  /** The Sparks it reserves: what the allowance would not cover when it was taken. */
  readonly sparks: MicroSparks
  /** How many of its units are reserved out of what the plan gives; nobody else gets those while it is open. */
  readonly allowance: MicroUnits
  /** What the usage it was taken for costs, whoever pays. */
  readonly rated: MicroSparks
  /** What the usage that settles it is for. */
  readonly dimensions: Readonly<Record<string, string>>
  /** The budgets it counts against, and how much it reserves of each. */
  readonly budgets: readonly string[]
  readonly budgeted: MicroSparks
  readonly status: HoldStatus
  readonly captured: MicroSparks
  /** The period its units are counted in; `null` without a meter. */
  readonly periodStartsAt: Instant | null
  readonly createdAt: Instant
  readonly expiresAt: Instant
  readonly reason: string
  readonly key: string
  readonly dedupe: string
  readonly fingerprint: string
  readonly result: HoldResult
  /** The key under which it was released, and what that answered; a capture's key is on its ledger row. */
  readonly release: { readonly dedupe: string; readonly fingerprint: string; readonly result: HoldResult } | null
}

/** The other side of a ledger row. */
export type CounterAccount =
  | 'grants:promotional'
  | 'grants:paid'
  | 'usage'
  | 'adjustments'
  | 'expired'
  | 'refunds'
  | 'none'

/** Which command a ledger row comes from. */
export type EntryOperation =
  | 'usage'
  | 'accrue'
  | 'amend'
  | 'capture'
  | 'extend'
  | 'grant'
  | 'renew'
  | 'adjust'
  | 'refund'
  | 'expire'
  | 'change_plan'
  | 'change_terms'
  | 'set_budget'
  | 'suspend'
  | 'resume'

/** One row of the ledger: a balanced transfer between an account and a counter-account, and the usage it is for. */
export interface LedgerEntry {
  readonly id: string
  readonly accountId: string
  readonly operation: EntryOperation
  readonly key: string
  readonly dedupe: string
  readonly fingerprint: string
  readonly counterAccount: CounterAccount
  /** What it adds to the account's balance; negative takes. */
  readonly amount: MicroSparks
  readonly balanceAfter: MicroSparks
  readonly recordedAt: Instant
  readonly reason: string
  /** The row it corrects, for adjustments that reverse one and for usage that was amended; amounts are differences then. */
  readonly corrects: string | null
  readonly usage: EntryUsage | null
  readonly burns: readonly Burn[]
  /** By destination, the delivery that reports this usage; `null` where it is below one whole Spark and carried to the next. */
  readonly deliveries: Readonly<Record<string, string | null>>
  readonly result: StoredResult
}

/** Usage as its ledger row keeps it; its quantity is what it added to the period. */
export interface EntryUsage extends RatedUsage {
  /** What was reported: the same quantity, or for other meters than sums the level, the value that may be the largest. */
  readonly measured: MicroUnits
  readonly occurredAt: Instant
  readonly settledBy: SettledBy
  /** How many of the units the plan gave. */
  readonly included: MicroUnits
  readonly holdId: string | null
  /** The dimensions whose sums it was added to, with its values: what corrects it is added to the same, whatever is summed by then. */
  readonly summedBy: Readonly<Record<string, string>>
}

/** A moment in the period that a row's usage was counted in, which a later change of rhythm may not give for when it happened. */
export function countedAt({ result, usage, recordedAt }: LedgerEntry): Instant {
  return result.kind === 'usage' ? result.quota.periodStartsAt : (usage?.occurredAt ?? recordedAt)
}

/** A sum over usage of one UTC day, kept in the same commit as the usage. */
export interface Rollup {
  readonly accountId: string
  readonly day: string
  readonly meter: string
  /** Who served the model; empty where that was not said. */
  readonly provider: string
  readonly model: string
  /** Empty for the sum over everything; else the sum is over the events in which this dimension has this value. */
  readonly dimension: string
  readonly value: string
  readonly events: number
  readonly quantity: MicroUnits
  readonly sparks: MicroSparks
  /** How much of the Sparks the account was charged: not those of the allowance, of own keys, and written off. */
  readonly charged: MicroSparks
  /** Cost before margin in millionths of a millionth of the catalog's currency unit; each event is rounded to that, half to even. */
  readonly costPicos: bigint
}

/** What is to be told to a metering or tracing provider: one account, one destination, a list of usage events. */
export interface NewDelivery {
  readonly id: string
  readonly accountId: string
  readonly destination: string
  readonly kind: 'metering' | 'tracing'
  readonly meter: string | null
  readonly periodStartsAt: Instant | null
  /** Whole Sparks to report. */
  readonly sparks: bigint
  /** The latest moment among its events. */
  readonly occurredAt: Instant
  readonly entryIds: readonly string[]
}

/** A stored idempotency key of an account, with what its command answered. */
export interface StoredKey {
  readonly accountId: string
  readonly dedupe: string
  readonly fingerprint: string
  readonly result: StoredResult
}

/** What a store loads, under its locks, before the kernel decides. */
export interface LedgerState {
  /** The store's clock, the only one that decides expiry. */
  readonly now: Instant
  /** The load keys that were answered. */
  readonly loaded: readonly LoadKey[]
  readonly accounts: readonly AccountState[]
  /** Grants with something left. */
  readonly grants: readonly CreditGrant[]
  readonly counters: readonly Counter[]
  /** Holds that were named, and open holds of the accounts that are over. */
  readonly holds: readonly Hold[]
  readonly budgets: readonly Budget[]
  readonly payments: readonly Payment[]
  readonly levels: readonly LevelChange[]
  readonly seen: readonly SeenValue[]
  /** Rows that were named, each followed by the rows that correct it, oldest first. */
  readonly entries: readonly LedgerEntry[]
  readonly keys: readonly StoredKey[]
}

/** What must be in the state before a command can be decided. */
export type LoadKey =
  /**
   * The account, its grants with something left, its open holds that are over with the counters those are counted in, and its budgets
   * that holds reserve something of.
   */
  | { readonly kind: 'account'; readonly accountId: string }
  | { readonly kind: 'budget'; readonly accountId: string; readonly scope: string }
  /** The payment, the grant it bought with that one's row, the rows that correct it, and the grants those burned. */
  | { readonly kind: 'payment'; readonly accountId: string; readonly paymentId: string }
  /** The row, the rows that correct it, the counter its usage was counted in, and the grants it burned. */
  | { readonly kind: 'entry'; readonly accountId: string; readonly entryId: string }
  /** The last change of a level at or before `at` (`null`: now), the first after it, and the meter's counters from there on or the last before. */
  | { readonly kind: 'level'; readonly accountId: string; readonly meter: string; readonly at: Instant | null }
  /** Counters of levels weighted by time whose period is over and not counted to its end. */
  | { readonly kind: 'accruals'; readonly accountId: string }
  /** In which periods a `unique` meter has counted a value. */
  | { readonly kind: 'seen'; readonly accountId: string; readonly meter: string; readonly value: string }
  /** A grant, whatever is left of it. */
  | { readonly kind: 'grant'; readonly accountId: string; readonly grantId: string }
  | { readonly kind: 'key'; readonly accountId: string; readonly dedupe: string }
  /** The hold, and the budgets it counts against. */
  | { readonly kind: 'hold'; readonly accountId: string; readonly holdId: string }
  /** The counter whose period contains `at` (`null`: now), or else the last before it and the first after it. */
  | { readonly kind: 'counter'; readonly accountId: string; readonly meter: string; readonly at: Instant | null }
  /** The counter of a hold's meter and period, when that hold exists. */
  | { readonly kind: 'hold_counter'; readonly accountId: string; readonly holdId: string }
  /** All counters of the account whose period contains now. */
  | { readonly kind: 'counters'; readonly accountId: string }

/** A text that is equal for equal load keys. */
export function loadKeyId(key: LoadKey): string {
  switch (key.kind) {
    case 'account':
    case 'accruals':
    case 'counters':
      return `${key.kind}|${key.accountId}`
    case 'budget':
      return `budget|${key.accountId}|${key.scope}`
    case 'payment':
      return `payment|${key.accountId}|${key.paymentId}`
    case 'entry':
      return `entry|${key.accountId}|${key.entryId}`
    case 'grant':
      return `grant|${key.accountId}|${key.grantId}`
    case 'key':
      return `key|${key.accountId}|${key.dedupe}`
    case 'hold':
    case 'hold_counter':
      return `${key.kind}|${key.accountId}|${key.holdId}`
    case 'counter':
    case 'level':
      return `${key.kind}|${key.accountId}|${key.meter}|${key.at ?? 'now'}`
    case 'seen':
      return `seen|${key.accountId}|${key.meter}|${key.value}`
  }
}

/** What the kernel is told about the app, beside the state. */
export interface LedgerRules {
  readonly catalog: CatalogData
  /** Ids of the providers that are told of usage. */
  readonly metering: readonly string[]
  readonly tracing: readonly string[]
  /** The metering provider that collects postpaid usage of accounts of which it is not known yet who does, if there is one. */
  readonly collecting: string | null
}

/** A row as it is to be, and as the store has it: it may write only what differs. */
export interface Changed<Row> {
  readonly value: Row
  /** `null` for a row that is new, or that it was not asked for. */
  readonly loaded: Row | null
}

/** Everything a batch changes; a store writes all of it or nothing. Accounts, grants, counters, holds, budgets, payments and levels replace what was. */
export interface LedgerRows {
  readonly accounts: readonly Changed<AccountState>[]
  readonly grants: readonly Changed<CreditGrant>[]
  readonly counters: readonly Changed<Counter>[]
  readonly holds: readonly Hold[]
  readonly budgets: readonly Changed<Budget>[]
  readonly payments: readonly Payment[]
  readonly levels: readonly LevelChange[]
  readonly seen: readonly SeenValue[]
  readonly entries: readonly LedgerEntry[]
  /** To be added to what is there. */
  readonly rollups: readonly Rollup[]
  readonly deliveries: readonly NewDelivery[]
  readonly events: readonly BillingEvent[]
}

/** An account before anything happened to it. */
export function newAccountState(id: string, plan: string, zone = 'UTC'): AccountState {
  return {
    id,
    balance: 0n,
    held: 0n,
    plan,
    anchor: null,
    zone,
    suspendedFor: null,
    renewsAt: null,
    renewed: 0n,
    paidPlan: null,
    currency: null,
    terms: null,
    autoTopUp: null,
    collectors: [],
  }
}
