import type { Entitlement } from '../catalog.js'
import type { Instant } from '../period.js'
import type { Rate } from '../rating/rate.js'
import type { MicroSparks } from '../sparks.js'

/** What was agreed with one account beside its plan; each part replaces the plan's. */
export interface AccountTerms {
  /** By meter. */
  readonly entitlements: Readonly<Record<string, Partial<Entitlement>>>
  /** What usage of a meter costs this account, by meter. */
  readonly rates: Readonly<Record<string, Rate>>
  /** By name: on or off, or a value. */
  readonly features: Readonly<Record<string, boolean | string>>
}

/** When to ask for a top-up, and how often at most. */
export interface AutoTopUp {
  /** Credits below which one is asked for. */
  readonly threshold: MicroSparks
  /** The credit package to buy. */
  readonly package: string
  /** Most top-ups that are asked for within 24 hours. */
  readonly maximumPerDay: number
  /** When those of the last 24 hours were asked for, oldest first. */
  readonly askedAt: readonly Instant[]
  /** Whether nothing was added since the last one was asked for. */
  readonly isPending: boolean
}
