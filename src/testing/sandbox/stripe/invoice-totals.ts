import type { CreditAmount, TakeCredits } from './credit-application.js'
import { toChargeable } from './currencies.js'
import type { Customer } from './customers.js'
import { type Discount, discountedAmount, discounts, isApplicable } from './discounts.js'
import { type DiscountAmount, type DraftLine, type Line, type LineTax, newLine } from './invoice-lines.js'
import { automaticRate, type TaxLocation, type TaxRate, taxRates } from './tax-rates.js'
import type { StripeWorld } from './world.js'

export interface TotalsRequest {
  readonly invoice: string | null
  readonly currency: string
  readonly subscription: string | null
  readonly customer: { readonly address: TaxLocation | null; readonly tax_exempt: Customer['tax_exempt'] }
  readonly lines: readonly DraftLine[]
  /** Ids of the discounts of the whole. */
  readonly discounts: readonly string[]
  /** Ids of the rates of lines that have none of their own. */
  readonly taxRates: readonly string[]
  readonly automaticTax: boolean
  /** What billing credits pay; only when the invoice is finalized. */
  readonly credits?: TakeCredits | undefined
}

export interface Totals {
  readonly lines: readonly Line[]
  readonly amounts: {
    readonly subtotal: number
    readonly subtotal_excluding_tax: number
    readonly total: number
    readonly total_excluding_tax: number
    readonly total_discount_amounts: readonly DiscountAmount[]
    readonly total_pretax_credit_amounts: readonly (CreditAmount | (DiscountAmount & { readonly type: 'discount' }))[]
    readonly total_taxes: readonly LineTax[]
  }
}

/** Discounts come off first, taxes are counted on what is left, each line for itself. */
export function computeTotals(world: StripeWorld, request: TotalsRequest): Totals {
  const whole = request.discounts.flatMap((id) => discounts(world).get(id) ?? [])
  const shares = whole.map((discount) => sharesOf(world, discount, request.lines, request.currency))
  const lines = request.lines.map((line, index) => {
    const own = (line.discounts ?? []).flatMap((id) => discounts(world).get(id) ?? [])
    let left = line.amount
    const amounts: DiscountAmount[] = []
    for (const discount of own) {
      const amount = discountedAmount(world, discount, left, request.currency)
      left -= amount
      amounts.push({ amount, discount: discount.id })
    }
    for (const [position, discount] of whole.entries()) {
      const share = shares[position]?.[index] ?? 0
      // Later percentages count on what the earlier ones left.
      const amount = Math.max(
        0,
        Math.min(left, share === 'percent' ? discountedAmount(world, discount, left, request.currency) : share),
      )
      if (share === 0) continue
      left -= amount
      amounts.push({ amount, discount: discount.id })
    }
    const credits = left > 0 ? (request.credits?.(line, left) ?? []) : []
    left -= sum(credits.map(({ amount }) => amount))
    const taxes = ratesOf(world, request, line).map((rate) => taxOf(request, rate, left, line))
    return newLine(request.invoice, request.currency, request.subscription, line, amounts, taxes, credits)
  })
  const subtotal = sum(lines.map(({ amount }) => amount))
  const discounted = totalsByDiscount(lines)
  const taxes = totalsByRate(lines)
  const inclusive = sum(taxes.filter((tax) => tax.tax_behavior === 'inclusive').map(({ amount }) => amount))
  const exclusive = sum(taxes.filter((tax) => tax.tax_behavior === 'exclusive').map(({ amount }) => amount))
  const credited = lines.flatMap((line) => line.pretax_credit_amounts.filter((each) => each.type !== 'discount'))
  const net = subtotal - sum([...discounted, ...credited].map(({ amount }) => amount))
  return {
    lines,
    amounts: {
      subtotal,
      subtotal_excluding_tax: subtotal - inclusive,
      total: net + exclusive,
      total_excluding_tax: net - inclusive,
      total_discount_amounts: discounted,
      total_pretax_credit_amounts: [...discounted.map((each) => ({ ...each, type: 'discount' as const })), ...credited],
      total_taxes: taxes,
    },
  }
}

/** What a discount of the whole takes from each line: a percentage of it, or its part of the amount. */
function sharesOf(
  world: StripeWorld,
  discount: Discount,
  lines: readonly DraftLine[],
  currency: string,
): readonly (number | 'percent')[] {
  const applies = lines.map((line) => isApplicable(world, discount, line))
  const fixed = discountedAmount(world, discount, Number.MAX_SAFE_INTEGER, currency, 'fixed')
  if (fixed === undefined) return applies.map((applicable) => (applicable ? 'percent' : 0))
  const base = sum(lines.map((line, index) => (applies[index] ? line.amount : 0)))
  let left = Math.min(fixed, base)
  let rest = base
  return lines.map((line, index) => {
    if (!applies[index] || rest === 0) return 0
    const share = toChargeable((left * line.amount) / rest, currency)
    left -= share
    rest -= line.amount
    return share
  })
}

function ratesOf(world: StripeWorld, request: TotalsRequest, line: DraftLine): readonly TaxRate[] {
  if (request.automaticTax) {
    const rate = automaticRate(world, request.customer.address, line.price.tax_behavior === 'inclusive')
    return rate === undefined ? [] : [rate]
  }
  const ids = line.taxRates === undefined || line.taxRates.length === 0 ? request.taxRates : line.taxRates
  return ids.flatMap((id) => taxRates(world).get(id) ?? [])
}

function taxOf({ customer, currency }: TotalsRequest, rate: TaxRate, taxable: number, line: DraftLine): LineTax {
  const exempt = customer.tax_exempt !== 'none'
  const percentage = exempt ? 0 : rate.percentage
  const inclusive = rate.inclusive
  const amount = inclusive
    ? taxable - toChargeable(taxable / (1 + percentage / 100), currency)
    : toChargeable((taxable * percentage) / 100, currency)
  return {
    amount: line.amount === 0 ? 0 : amount,
    tax_behavior: inclusive ? 'inclusive' : 'exclusive',
    tax_rate_details: { tax_rate: rate.id },
    taxability_reason:
      customer.tax_exempt === 'exempt'
        ? 'customer_exempt'
        : customer.tax_exempt === 'reverse'
          ? 'reverse_charge'
          : 'standard_rated',
    taxable_amount: inclusive ? taxable - amount : taxable,
    type: 'tax_rate_details',
  }
}

function totalsByDiscount(lines: readonly Line[]): DiscountAmount[] {
  const totals = new Map<string, number>()
  for (const { amount, discount } of lines.flatMap((line) => line.discount_amounts)) {
    totals.set(discount, (totals.get(discount) ?? 0) + amount)
  }
  return [...totals].map(([discount, amount]) => ({ amount, discount }))
}

function totalsByRate(lines: readonly Line[]): LineTax[] {
  const totals = new Map<string, LineTax>()
  for (const tax of lines.flatMap((line) => line.taxes)) {
    const before = totals.get(tax.tax_rate_details.tax_rate)
    totals.set(tax.tax_rate_details.tax_rate, {
      ...tax,
      amount: (before?.amount ?? 0) + tax.amount,
      taxable_amount: (before?.taxable_amount ?? 0) + tax.taxable_amount,
    })
  }
  return [...totals.values()]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
