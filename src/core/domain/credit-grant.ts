import type { Instant } from './period.js'
import type { MicroSparks } from './sparks.js'

/** Whether credits were given or bought; given ones are burned first. */
export type GrantKind = 'promotional' | 'paid'

/** Credits given to an account. `remaining` is what is left of `amount`. */
export interface CreditGrant {
  readonly id: string
  readonly accountId: string
  readonly kind: GrantKind
  readonly amount: MicroSparks
  readonly remaining: MicroSparks
  /** Lower burns earlier among grants of one kind that expire together. */
  readonly priority: number
  readonly expiresAt: Instant | null
  readonly grantedAt: Instant
  readonly reason: string
}

/** What one debit took from one grant. */
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

/** Takes up to `amount` from grants that are already in burn order. */
export function burn(
  grants: readonly CreditGrant[],
  amount: MicroSparks,
): { readonly grants: readonly CreditGrant[]; readonly burns: readonly Burn[] } {
  const burns: Burn[] = []
  let left = amount
  const after: CreditGrant[] = []
  for (const grant of grants) {
    const taken = grant.remaining < left ? grant.remaining : left
    if (taken > 0n) burns.push({ grantId: grant.id, amount: taken })
    left -= taken
    after.push(taken === 0n ? grant : { ...grant, remaining: grant.remaining - taken })
  }
  return { grants: after, burns }
}
