import { applyGrant, balanceOf, type CreditGrant, creditGrants, isUsable } from './credit-grants.js'
import type { Price } from './prices.js'
import type { StripeWorld } from './world.js'

/** A part of a line that credits pay for. */
export interface CreditAmount {
  readonly amount: number
  readonly credit_balance_transaction: string
  readonly type: 'credit_balance_transaction'
}

interface BilledLine {
  readonly id: string
  readonly price: Price
}

/** Takes what credits pay of a line, of which so much is left to pay. */
export type TakeCredits = (line: BilledLine, left: number) => readonly CreditAmount[]

/** The credits a customer can spend on an invoice that is finalized now: usage only, in Stripe's order. */
export function creditsFor(world: StripeWorld, invoice: string, customer: string, currency: string): TakeCredits {
  const usable = [...creditGrants(world).values()]
    .filter((grant) => grant.customer === customer && grant.amount.monetary.currency === currency)
    .filter((grant) => isUsable(world, grant))
    .map((grant) => ({ grant, left: balanceOf(world, grant) }))
    .sort((a, b) => inOrder(a.grant, b.grant))
  return (line, left) => {
    const taken: CreditAmount[] = []
    let open = left
    for (const each of usable) {
      const amount = Math.min(open, each.left)
      if (amount <= 0 || !paysFor(each.grant, line)) continue
      each.left -= amount
      open -= amount
      const { id } = applyGrant(world, each.grant, amount, { invoice, invoice_line_item: line.id })
      taken.push({ amount, credit_balance_transaction: id, type: 'credit_balance_transaction' })
    }
    return taken
  }
}

function paysFor({ applicability_config: { scope } }: CreditGrant, { price }: BilledLine): boolean {
  if (price.recurring?.usage_type !== 'metered') return false
  return scope.prices === undefined || scope.prices.some(({ id }) => id === price.id)
}

/** The lower priority number, what expires sooner, what was a gift, what took effect and was made earlier. */
function inOrder(a: CreditGrant, b: CreditGrant): number {
  const never = Number.POSITIVE_INFINITY
  return (
    a.priority - b.priority ||
    compare(a.expires_at ?? never, b.expires_at ?? never) ||
    compare(a.category === 'promotional' ? 0 : 1, b.category === 'promotional' ? 0 : 1) ||
    a.effective_at - b.effective_at ||
    a.created - b.created
  )
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}
