import type { Instant, Interval } from './period.js'
import type { MicroSparks } from './sparks.js'

/** How often a budget begins anew; `never` for one that is for good. */
export type BudgetInterval = Interval | 'never'

/** How much of a budget is gone: below its threshold, above it, or all. */
export type BudgetStatus = 'below' | 'near' | 'reached'

/** What an account, one of its keys, users or another dimension may be charged in a period, and how much of it is gone. */
export interface Budget {
  readonly accountId: string
  /** `account`, or a dimension and its value: `api_key=key_1`. */
  readonly scope: string
  /** `null` for none: the budget was taken away. */
  readonly limitSparks: MicroSparks | null
  readonly interval: BudgetInterval
  /** The period `used` is for, by the store's clock. */
  readonly startsAt: Instant
  /** Where the next one begins; `null` for a budget that is never renewed. */
  readonly endsAt: Instant | null
  readonly used: MicroSparks
  /** Reserved by open holds. */
  readonly held: MicroSparks
  readonly status: BudgetStatus
  /** How many billing events this budget has caused; numbers them. */
  readonly transitions: number
}

/** Percentage of a budget above which it is near. */
const nearPercent = 80n

export function statusOfBudget(used: bigint, limit: bigint): BudgetStatus {
  if (used >= limit) return 'reached'
  return used * 100n > limit * nearPercent ? 'near' : 'below'
}

/** The status a budget passes on its way, in order. */
export function passed(from: BudgetStatus, to: BudgetStatus): readonly ('near' | 'reached')[] {
  if (from === to || to === 'below' || from === 'reached') return []
  if (to === 'near') return ['near']
  return from === 'below' ? ['near', 'reached'] : ['reached']
}

/** The dimensions that may have budgets beside the account as a whole, when the catalog does not name others. */
export const defaultBudgetDimensions: readonly string[] = ['api_key', 'user']

/** The names of the budgets that usage with these dimensions counts against. */
export function scopesOf(dimensions: Readonly<Record<string, string>>, budgeted: readonly string[]): readonly string[] {
  let scopes: readonly string[] = ['account']
  for (const name of budgeted) {
    const value = dimensions[name]
    // No list with room for more: each lives as long as its command.
    if (value !== undefined) scopes = [...scopes, `${name}=${value}`]
  }
  return scopes
}
