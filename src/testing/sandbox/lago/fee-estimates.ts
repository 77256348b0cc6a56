import * as z from 'zod'
import { type Decimal, decimal, formatDecimal, parseDecimal } from '../../../core/domain/decimal.js'
import { billableMetrics } from './billable-metrics.js'
import { type Charge, priceOf } from './charges.js'
import { customers } from './customers.js'
import { invalid, notFound } from './errors.js'
import { type EventInput, eventShape } from './events.js'
import { planOf } from './plans.js'
import { route, wrapped } from './route.js'
import { activeUnder, type LagoSubscription } from './subscriptions.js'
import { toCents } from './usage.js'
import type { LagoWorld } from './world.js'

/** Lago's description wraps each event, its server does not. */
const batchShape = z.object({
  events: z.array(z.union([z.object({ event: eventShape }).transform(({ event }) => event), eventShape])),
})

/** What an event would cost that is paid for at once. Nothing is kept. */
export const feeEstimateRoutes = [
  route('POST /events/estimate_fees', wrapped('event', eventShape), ({ world, body }) => ({
    fees: estimate(world, body.event).map((fee) => ({ ...shared(fee), ...texts(fee) })),
  })),
  route('POST /events/estimate_instant_fees', wrapped('event', eventShape), ({ world, body }) => ({
    fees: estimate(world, body.event).map((fee) => ({ ...shared(fee), ...numbers(fee) })),
  })),
  route('POST /events/batch_estimate_instant_fees', batchShape, ({ world, body }) => ({
    fees: body.events.flatMap((event) => estimate(world, event).map((fee) => ({ ...shared(fee), ...numbers(fee) }))),
  })),
]

interface Fee {
  readonly charge: Charge
  readonly metric: {
    readonly lago_id: string
    readonly code: string
    readonly name: string
    readonly description: string | null
  }
  readonly subscription: LagoSubscription
  readonly lagoCustomerId: string | null
  readonly currency: string
  readonly units: Decimal
  readonly price: Decimal
  readonly transactionId: string | null
}

function estimate(world: LagoWorld, event: EventInput): readonly Fee[] {
  const subscription = activeUnder(world, event.external_subscription_id ?? '')
  if (subscription === undefined) throw notFound('subscription')
  const metric = billableMetrics(world).get(event.code ?? '')
  if (metric === undefined) throw notFound('billable_metric')
  const plan = planOf(world, subscription.plan_code)
  const charges = plan.charges.filter(
    ({ lago_billable_metric_id: id, pay_in_advance: inAdvance }) => id === metric.lago_id && inAdvance,
  )
  if (charges.length === 0) throw invalid({ code: ['does_not_match_an_instant_charge'] })
  const given =
    metric.aggregation_type === 'count_agg' ? '1' : String(event.properties?.[metric.field_name ?? ''] ?? '0')
  const units = parseDecimal(given) ?? decimal('0')
  return charges.map((charge) => ({
    charge,
    metric,
    subscription,
    lagoCustomerId: customers(world).get(subscription.external_customer_id)?.lago_id ?? null,
    currency: plan.amount_currency,
    units,
    price: priceOf(charge, units),
    transactionId: event.transaction_id ?? null,
  }))
}

function shared({ charge, metric, subscription, lagoCustomerId, currency, units, price, transactionId }: Fee) {
  const cents = Number(toCents(price, currency))
  return {
    lago_id: null,
    lago_charge_id: charge.lago_id,
    lago_charge_filter_id: null,
    lago_invoice_id: null,
    lago_true_up_fee_id: null,
    lago_true_up_parent_fee_id: null,
    lago_subscription_id: subscription.lago_id,
    lago_customer_id: lagoCustomerId,
    external_customer_id: subscription.external_customer_id,
    external_subscription_id: subscription.external_id,
    amount_cents: cents,
    amount_currency: currency,
    taxes_amount_cents: 0,
    taxes_rate: 0,
    units: formatDecimal(units),
    total_amount_cents: cents,
    total_amount_currency: currency,
    events_count: 1,
    pay_in_advance: true,
    invoiceable: charge.invoiceable,
    payment_status: 'pending',
    description: null,
    created_at: null,
    succeeded_at: null,
    failed_at: null,
    refunded_at: null,
    ...(transactionId === null ? {} : { event_transaction_id: transactionId }),
    precise_coupons_amount_cents: '0.0',
    item: {
      type: 'charge',
      code: metric.code,
      name: metric.name,
      description: metric.description ?? '',
      invoice_display_name: charge.invoice_display_name ?? metric.name,
      filters: null,
      filter_invoice_display_name: null,
      lago_item_id: metric.lago_id,
      item_type: 'BillableMetric',
      grouped_by: {},
    },
  }
}

/** A fee has its exact amounts as text. */
function texts({ price, units, charge, currency }: Fee) {
  return {
    precise_amount: formatDecimal(price),
    precise_total_amount: formatDecimal(price),
    taxes_precise_amount: '0.0',
    precise_unit_amount: charge.properties.amount,
    total_aggregated_units: formatDecimal(units),
    sub_total_excluding_taxes_amount_cents: Number(toCents(price, currency)),
    sub_total_excluding_taxes_precise_amount_cents: String(toCents(price, currency)),
  }
}

/** An instant estimate has them as numbers. */
function numbers({ price, charge }: Fee) {
  return {
    precise_amount: Number(formatDecimal(price)),
    precise_total_amount: Number(formatDecimal(price)),
    taxes_precise_amount: 0,
    precise_unit_amount: Number(charge.properties.amount),
    amount_details: null,
  }
}
