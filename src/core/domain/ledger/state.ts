import type { CatalogData } from '../catalog.js'
import type { Burn, CreditGrant } from '../credit-grant.js'
import type { BillingEvent } from '../event.js'
import type { Instant } from '../period.js'
import type { QuotaStatus } from '../quota.js'
import type { MicroSparks, MicroUnits } from '../sparks.js'
import type { RatedUsage } from './command.js'
import type { HoldResult, HoldStatus, SettledBy, StoredResult } from './outcome.js'

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
  readonly suspendedFor: string | null
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
  readonly status: QuotaStatus
  readonly throttledAttempts: number
  /** How many billing events this counter has caused; numbers them. */
  readonly transitions: number
}

/** What is left below one whole Spark after reporting to a destination, for one meter in one period. */
export interface Carry {
  readonly accountId: string
  readonly destination: string
  readonly meter: string
  readonly startsAt: Instant
  readonly remainder: MicroSparks
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
export type CounterAccount = 'grants:promotional' | 'grants:paid' | 'usage' | 'expired' | 'none'

/** Which command a ledger row comes from. */
export type EntryOperation = 'usage' | 'capture' | 'grant' | 'expire' | 'change_plan' | 'suspend' | 'resume'

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
  readonly usage:
    | (RatedUsage & { readonly occurredAt: Instant; readonly settledBy: SettledBy; readonly holdId: string | null })
    | null
  readonly burns: readonly Burn[]
  /** By destination, the delivery that reports this usage; `null` where it is below one whole Spark and carried to the next. */
  readonly deliveries: Readonly<Record<string, string | null>>
  readonly result: StoredResult
}

/** A sum over usage of one UTC day, kept in the same commit as the usage. */
export interface Rollup {
  readonly accountId: string
  readonly day: string
  readonly meter: string
  readonly model: string
  readonly events: number
  readonly quantity: MicroUnits
  readonly sparks: MicroSparks
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
  /** Which load keys were answered, by `loadKeyId`. */
  readonly loaded: ReadonlySet<string>
  readonly accounts: readonly AccountState[]
  /** Grants with something left. */
  readonly grants: readonly CreditGrant[]
  readonly counters: readonly Counter[]
  readonly carries: readonly Carry[]
  /** Holds that were named, and open holds of the accounts that are over. */
  readonly holds: readonly Hold[]
  readonly keys: readonly StoredKey[]
}

/** What must be in the state before a command can be decided. */
export type LoadKey =
  /** The account, its grants with something left, and its open holds that are over with the counters those are counted in. */
  | { readonly kind: 'account'; readonly accountId: string }
  | { readonly kind: 'key'; readonly accountId: string; readonly dedupe: string }
  | { readonly kind: 'hold'; readonly accountId: string; readonly holdId: string }
  /** The counter whose period contains `at` (`null`: now), or else the latest before it; and that period's carries. */
  | { readonly kind: 'counter'; readonly accountId: string; readonly meter: string; readonly at: Instant | null }
  /** The counter of a hold's meter and period, when that hold exists. */
  | { readonly kind: 'hold_counter'; readonly accountId: string; readonly holdId: string }
  /** All counters of the account whose period contains now. */
  | { readonly kind: 'counters'; readonly accountId: string }

/** A text that is equal for equal load keys. */
export function loadKeyId(key: LoadKey): string {
  switch (key.kind) {
    case 'account':
    case 'counters':
      return `${key.kind}|${key.accountId}`
    case 'key':
      return `key|${key.accountId}|${key.dedupe}`
    case 'hold':
    case 'hold_counter':
      return `${key.kind}|${key.accountId}|${key.holdId}`
    case 'counter':
      return `counter|${key.accountId}|${key.meter}|${key.at ?? 'now'}`
  }
}

/** What the kernel is told about the app, beside the state. */
export interface LedgerRules {
  readonly catalog: CatalogData
  /** Ids of the providers that are told of usage. */
  readonly metering: readonly string[]
  readonly tracing: readonly string[]
  /** The metering provider that collects postpaid usage, if there is one. */
  readonly collecting: string | null
}

/** Everything a batch changes; a store writes all of it or nothing. Accounts, grants, counters, carries and holds replace what was. */
export interface LedgerRows {
  readonly accounts: readonly AccountState[]
  readonly grants: readonly CreditGrant[]
  readonly counters: readonly Counter[]
  readonly carries: readonly Carry[]
  readonly holds: readonly Hold[]
  readonly entries: readonly LedgerEntry[]
  /** To be added to what is there. */
  readonly rollups: readonly Rollup[]
  readonly deliveries: readonly NewDelivery[]
  readonly events: readonly BillingEvent[]
}
