import { type Decimal, decimal, formatDecimal } from '../../../core/domain/decimal.js'
import { currencyDigits } from '../../../core/domain/money.js'
import type { Period } from '../../../core/domain/period.js'
import { type LagoPlan, planOf } from './plans.js'
import { cyclePeriod, type LagoSubscription, startOfDay, subscriptions } from './subscriptions.js'
import { usageOf } from './usage.js'
import { isoOrNull, type LagoWorld, newLagoId } from './world.js'

/** One thing that an invoice charges for. */
export interface InvoiceFee {
  readonly lago_id: string
  readonly type: 'subscription' | 'charge' | 'add_on' | 'credit'
  readonly itemId: string
  readonly code: string
  readonly name: string
  readonly description: string | null
  readonly units: string
  /** Of one unit, in units of the currency. */
  readonly unitAmount: string
  readonly cents: number
  /** Lago's id of the subscription. */
  readonly subscriptionId: string | null
  readonly chargeId: string | null
  readonly eventsCount: number | null
  readonly payInAdvance: boolean
  readonly fromMs: number | null
  readonly toMs: number | null
}

/** What of a subscription an invoice is for: the plan's amount for a period, and what was used in one. */
export interface BilledPart {
  readonly subscriptionId: string
  readonly fee: Period | null
  readonly usage: Period | null
  readonly reason: 'subscription_starting' | 'subscription_periodic' | 'subscription_terminating'
}

const dayMs = 86_400_000
const itemTypes = {
  subscription: 'Subscription',
  charge: 'BillableMetric',
  add_on: 'AddOn',
  credit: 'WalletTransaction',
} as const

export function feesOf(world: LagoWorld, parts: readonly BilledPart[]): readonly InvoiceFee[] {
  return parts.flatMap(({ subscriptionId, fee, usage }) => {
    const subscription = subscriptions(world).get(subscriptionId)
    if (subscription === undefined) return []
    const plan = planOf(world, subscription.plan_code)
    return [
      ...(fee === null || isFree(subscription, plan, fee) ? [] : [planFee(world, subscription, plan, fee)]),
      ...(usage === null ? [] : chargeFees(world, subscription, usage)),
    ]
  })
}

/** Nothing is charged for a period that begins in the trial. */
function isFree({ startedAtMs }: LagoSubscription, { trial_period: days }: LagoPlan, { startsAt }: Period): boolean {
  return days > 0 && startsAt < (startedAtMs ?? 0) + days * dayMs
}

function planFee(world: LagoWorld, subscription: LagoSubscription, plan: LagoPlan, period: Period): InvoiceFee {
  const cents = shareOf(plan.amount_cents, period, cyclePeriod(world, subscription, period.startsAt))
  return {
    lago_id: newLagoId(),
    type: 'subscription',
    itemId: subscription.lago_id,
    code: plan.code,
    name: plan.invoice_display_name ?? plan.name,
    description: null,
    units: '1.0',
    unitAmount: unitsOfCurrency(cents, plan.amount_currency),
    cents,
    subscriptionId: subscription.lago_id,
    chargeId: null,
    eventsCount: null,
    payInAdvance: plan.pay_in_advance,
    fromMs: period.startsAt,
    toMs: period.endsAt,
  }
}

/** Charges of which nothing was used are not on the invoice. */
function chargeFees(world: LagoWorld, subscription: LagoSubscription, period: Period): readonly InvoiceFee[] {
  return usageOf(world, subscription, period)
    .filter(({ eventsCount }) => eventsCount > 0)
    .map(({ charge, metric, units, eventsCount, amountCents }) => ({
      lago_id: newLagoId(),
      type: 'charge',
      itemId: metric.lago_id,
      code: metric.code,
      name: charge.invoice_display_name ?? metric.name,
      description: null,
      units: textOf(units),
      unitAmount: charge.properties.amount,
      cents: Number(amountCents),
      subscriptionId: subscription.lago_id,
      chargeId: charge.lago_id,
      eventsCount,
      payInAdvance: charge.pay_in_advance,
      fromMs: period.startsAt,
      toMs: Math.min(period.endsAt, subscription.terminatedAtMs ?? period.endsAt),
    }))
}

/** The part of an amount by whole days, rounded half up. */
export function shareOf(cents: number, part: Period, whole: Period): number {
  const days = Math.ceil((part.endsAt - startOfDay(part.startsAt)) / dayMs)
  const all = Math.round((whole.endsAt - whole.startsAt) / dayMs)
  return Math.floor((2 * cents * Math.min(days, all) + all) / (2 * all))
}

/** The day that lies so many days after a moment, at its beginning. */
export function startOfNextDays(ms: number, days: number): number {
  return startOfDay(ms) + days * dayMs
}

/** `2000` US cents as `20.00`. */
export function unitsOfCurrency(cents: number, currency: string): string {
  const digits = currencyDigits(currency)
  const text = String(cents).padStart(digits + 1, '0')
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** Lago writes decimals as text, whole numbers as `5.0`. */
function textOf(units: Decimal): string {
  const text = formatDecimal(units)
  return text.includes('.') ? text : `${text}.0`
}

/** A fee as Lago answers it. */
export function shownFee(
  world: LagoWorld,
  fee: InvoiceFee,
  invoice: {
    readonly lago_id: string
    readonly lagoCustomerId: string
    readonly external_customer_id: string
    readonly currency: string
    readonly payment_status: 'pending' | 'succeeded' | 'failed'
    readonly createdAtMs: number
    readonly paidAtMs: number | null
  },
) {
  const subscription = fee.subscriptionId === null ? undefined : subscriptions(world).get(fee.subscriptionId)
  const precise = formatDecimal(decimal(unitsOfCurrency(fee.cents, invoice.currency)))
  return {
    lago_id: fee.lago_id,
    lago_charge_id: fee.chargeId,
    lago_charge_filter_id: null,
    lago_invoice_id: invoice.lago_id,
    lago_true_up_fee_id: null,
    lago_true_up_parent_fee_id: null,
    lago_subscription_id: fee.subscriptionId,
    lago_customer_id: invoice.lagoCustomerId,
    external_customer_id: invoice.external_customer_id,
    external_subscription_id: subscription?.external_id ?? null,
    amount_cents: fee.cents,
    precise_amount: precise,
    precise_total_amount: precise,
    amount_currency: invoice.currency,
    taxes_amount_cents: 0,
    taxes_precise_amount: '0.0',
    taxes_rate: 0,
    units: fee.units,
    precise_unit_amount: fee.unitAmount,
    total_aggregated_units: fee.units,
    total_amount_cents: fee.cents,
    total_amount_currency: invoice.currency,
    events_count: fee.eventsCount,
    pay_in_advance: fee.payInAdvance,
    invoiceable: true,
    from_date: isoOrNull(fee.fromMs),
    to_date: isoOrNull(fee.toMs === null ? null : fee.toMs - 1000),
    payment_status: invoice.payment_status,
    created_at: isoOrNull(invoice.createdAtMs),
    succeeded_at: isoOrNull(invoice.paidAtMs),
    failed_at: null,
    refunded_at: null,
    description: fee.description,
    precise_coupons_amount_cents: '0.0',
    sub_total_excluding_taxes_amount_cents: fee.cents,
    sub_total_excluding_taxes_precise_amount_cents: `${fee.cents}.0`,
    item: {
      type: fee.type,
      code: fee.code,
      name: fee.name,
      description: fee.description,
      invoice_display_name: fee.name,
      filters: null,
      filter_invoice_display_name: null,
      lago_item_id: fee.itemId,
      item_type: itemTypes[fee.type],
      grouped_by: {},
    },
    applied_taxes: [],
  }
}
