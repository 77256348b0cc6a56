import type { GrantKind } from '../credit-grant.js'
import type { Instant } from '../period.js'
import type { MicroSparks, MicroUnits } from '../sparks.js'

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
}

/** One fact of consumption, already rated. */
export interface RatedUsage {
  readonly meter: string
  readonly quantity: MicroUnits
  readonly sparks: MicroSparks
  /** Exact cost in the catalog's currency before margin, as decimal text. */
  readonly costUsd: string | null
  readonly model: string | null
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
  readonly onExcess: ExcessPolicy
}

/** Asks whether usage would be let through, and leaves nothing but the mark of a refusal. */
export interface AuthorizeCommand {
  readonly kind: 'authorize'
  readonly accountId: string
  readonly id: string
  readonly usage: Pick<RatedUsage, 'meter' | 'quantity' | 'sparks'>
}

/** Reserves credits, and units of a meter when it names one. */
export interface HoldCommand extends Keyed {
  readonly kind: 'hold'
  readonly usage: Pick<RatedUsage, 'quantity' | 'sparks'> & { readonly meter: string | null }
  readonly ttlMs: number
  readonly reason: string
}

/** Takes `amount` out of a hold without a meter (all of it by default) and gives back the rest. */
export interface CaptureCommand extends Keyed {
  readonly kind: 'capture'
  readonly holdId: string
  readonly amount: MicroSparks | null
  readonly onExcess: ExcessPolicy
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
}

/** Ends the holds and grants of an account whose time is over. */
export interface ExpireCommand {
  readonly kind: 'expire'
  readonly accountId: string
  readonly id: string
}

/** Puts an account on other terms; `anchor` moves the start of its periods, `undefined` leaves it. */
export interface ChangePlanCommand extends Keyed {
  readonly kind: 'change_plan'
  readonly plan: string
  readonly anchor: Instant | null | undefined
  readonly reason: string
}

/** Stops an account from starting new usage, or lets it go on. */
export interface SuspendCommand extends Keyed {
  readonly kind: 'suspend' | 'resume'
  readonly reason: string
}

/** Whatever changes a balance, a counter or a hold. */
export type LedgerCommand =
  | UsageCommand
  | AuthorizeCommand
  | HoldCommand
  | CaptureCommand
  | ReleaseCommand
  | GrantCommand
  | ExpireCommand
  | ChangePlanCommand
  | SuspendCommand
