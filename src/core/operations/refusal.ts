import type { Gate } from '../domain/ledger/entitlement.js'
import type { Balance, Quota, Refusal } from '../domain/ledger/outcome.js'
import type { Remedy } from '../domain/remedy.js'
import { formatQuantity, formatSparks } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import { quotaView } from './quota-view.js'

/** What the kernel says of a request that a gate did not let through. */
export interface GateDetails {
  readonly reason: Gate
  readonly balance: Balance
  readonly quota: Quota | null
  readonly remedies: readonly Remedy[]
}

/** A remedy as callers see it; `quantity` is decimal text. */
export type RemedyView =
  | Extract<Remedy, { kind: 'top_up' | 'upgrade' }>
  | { readonly kind: 'smaller_request'; readonly quantity: string }
  | { readonly kind: 'wait'; readonly until: Date }

export function remedyView(remedy: Remedy): RemedyView {
  switch (remedy.kind) {
    case 'smaller_request':
      return { kind: remedy.kind, quantity: formatQuantity(remedy.quantity) }
    case 'wait':
      return { kind: remedy.kind, until: new Date(remedy.until) }
    default:
      return remedy
  }
}

/** The error that a refusal becomes. Its details can be written as JSON: Sparks and quantities are decimal text. */
export function errorOf({ code, message, details }: Refusal): BillingError {
  const { quota, remedies } = details as Partial<GateDetails>
  const views = {
    ...details,
    ...(quota ? { quota: quotaView(quota) } : {}),
    ...(remedies ? { remedies: remedies.map(remedyView) } : {}),
  }
  return new BillingError(code, message, { details: withText(views) as Record<string, unknown> })
}

/**
 * The refusal that an error becomes, for a command of which only the ledger can say whether its key was answered before: what is refused
 * by prices of today may be a repeat of what was not.
 */
export function refusalOf(error: unknown): Refusal {
  if (!BillingError.is(error)) throw error
  const { code, message, details } = error
  return { status: 'refused', code, message, details }
}

/** The same with every amount of micro-sparks as decimal text. */
function withText(value: unknown): unknown {
  if (typeof value === 'bigint') return formatSparks(value)
  if (Array.isArray(value)) return value.map(withText)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, withText(field)]))
}
