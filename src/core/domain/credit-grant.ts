import type { Instant } from './period.js'
import type { MicroSparks } from './sparks.js'

/** Whether credits were given or bought; given ones are burned first. */
export type GrantKind = 'promotional' | 'paid'

/** How credits came to be: given or bought once, recurring with a plan, or what was left of those and carried over. */
export type GrantOrigin = 'once' | 'plan' | 'rollover'

/** Credits given to an account. `remaining` is what is left of `amount`, `expired` what was let go unused. */
export interface CreditGrant {
  readonly id: string
  readonly accountId: string
  readonly kind: GrantKind
  readonly origin: GrantOrigin
  readonly amount: MicroSparks
  readonly remaining: MicroSparks
  readonly expired: MicroSparks
  /** Lower burns earlier among grants of one kind that expire together. */
  readonly priority: number
  readonly expiresAt: Instant | null
  readonly grantedAt: Instant
  readonly reason: string
}

/** What one ledger row took from one grant; negative for what it put there. A grant holds what its burns leave. */
export interface Burn {
  readonly grantId: string
  readonly amount: MicroSparks
}

/** The order in which grants are burned: promotional before paid, then earliest expiry, priority, oldest, id. Total and deterministic. */
export function burnOrder(left: CreditGrant, right: CreditGrant): number {
  if (left.kind !== right.kind) return left.kind === 'promotional' ? -1 : 1
  const leftExpiry = left.expiresAt ?? Number.POSITIVE_INFINITY
  const rightExpiry = right.expiresAt ?? Number.POSITIVE_INFINITY
  if (leftExpiry !== rightExpiry) return leftExpiry < rightExpiry ? -1 : 1
  if (left.priority !== right.priority) return left.priority - right.priority
  if (left.grantedAt !== right.grantedAt) return left.grantedAt - right.grantedAt
  return left.id < right.id ? -1 : left.id > right.id ? 1 : 0
}
