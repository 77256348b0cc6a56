import { formatDecimal } from '../../../core/domain/decimal.js'
import type { Period } from '../../../core/domain/period.js'
import { priceOf } from './charges.js'
import { customerOf } from './customers.js'
import { lagoFailure, notAllowed, notFound } from './errors.js'
import { planOf } from './plans.js'
import { noBody, paged, route } from './route.js'
import { activeUnder, billingPeriod, type LagoSubscription, subscriptionsUnder } from './subscriptions.js'
import { type ChargeUsage, project, toCents, usageOf } from './usage.js'
import { isoTime, type LagoWorld } from './world.js'

export const usageRoutes = [
  route('GET /customers/:customer/current_usage', noBody, ({ world, path, query }) => {
    const subscription = subscriptionFor(world, path.customer ?? '', query)
    const period = billingPeriod(world, subscription, world.now())
    return { customer_usage: shownUsage(world, subscription, period, query.get('billable_metric_code')) }
  }),
  route('GET /customers/:customer/projected_usage', noBody, ({ world, path, query }) => {
    const subscription = subscriptionFor(world, path.customer ?? '', query)
    const period = billingPeriod(world, subscription, world.now())
    return { customer_projected_usage: projected(world, subscription, period) }
  }),
  route('GET /customers/:customer/past_usage', noBody, ({ world, path, query }) => {
    const customer = customerOf(world, path.customer ?? '')
    const id = query.get('external_subscription_id')
    if (id === null)
      throw lagoFailure(422, {
        code: 'validation_errors',
        error_details: { external_subscription_id: ['value_is_mandatory'] },
      })
    const known = subscriptionsUnder(world, id).filter(
      ({ external_customer_id: owner }) => owner === customer.external_id,
    )
    if (known.length === 0) throw notFound('subscription')
    const count = Number(query.get('periods_count') ?? Number.POSITIVE_INFINITY)
    const periods = known
      .flatMap((subscription) => pastPeriods(world, subscription).map((period) => ({ subscription, period })))
      .sort((left, right) => right.period.startsAt - left.period.startsAt)
      .slice(0, count)
      .map(({ subscription, period }) => shownUsage(world, subscription, period, query.get('billable_metric_code')))
    return paged('usage_periods', periods, query)
  }),
]

function subscriptionFor(world: LagoWorld, customerId: string, query: URLSearchParams): LagoSubscription {
  const customer = customerOf(world, customerId)
  const active = activeUnder(world, query.get('external_subscription_id') ?? '')
  if (active?.external_customer_id === customer.external_id) return active
  throw notAllowed('no_active_subscription')
}

/** Periods that are over, newest first. */
function pastPeriods(world: LagoWorld, subscription: LagoSubscription): readonly Period[] {
  const periods: Period[] = []
  const { startedAtMs: start, terminatedAtMs: end } = subscription
  if (start === null) return []
  for (let at = start; at < (end ?? world.now()); ) {
    const period = billingPeriod(world, subscription, at)
    const over = end === null ? period : { ...period, endsAt: Math.min(period.endsAt, end) }
    if (over.endsAt <= world.now()) periods.push(over)
    at = period.endsAt
  }
  return periods.reverse()
}

function shownUsage(world: LagoWorld, subscription: LagoSubscription, period: Period, metric: string | null) {
  const currency = planOf(world, subscription.plan_code).amount_currency
  const rows = usageOf(world, subscription, period).filter((row) => metric === null || row.metric.code === metric)
  const total = rows.reduce((sum, { amountCents }) => sum + amountCents, 0n)
  return {
    ...frame(period, currency),
    amount_cents: Number(total),
    taxes_amount_cents: 0,
    total_amount_cents: Number(total),
    charges_usage: rows.map((row) => ({
      ...chargeUsage(row, currency),
      total_aggregated_units: decimalText(row),
      filters: [],
      grouped_usage: [],
    })),
  }
}

function projected(world: LagoWorld, subscription: LagoSubscription, period: Period) {
  const currency = planOf(world, subscription.plan_code).amount_currency
  const rows = usageOf(world, subscription, period).map((row) => {
    const units = project(row.units, world.now() - period.startsAt, period.endsAt - period.startsAt)
    return { row, units, cents: toCents(priceOf(row.charge, units), currency) }
  })
  const total = rows.reduce((sum, { row }) => sum + row.amountCents, 0n)
  return {
    ...frame(period, currency),
    amount_cents: Number(total),
    projected_amount_cents: Number(rows.reduce((sum, { cents }) => sum + cents, 0n)),
    taxes_amount_cents: 0,
    total_amount_cents: Number(total),
    charges_usage: rows.map(({ row, units, cents }) => ({
      ...chargeUsage(row, currency),
      projected_units: formatDecimal(units),
      projected_amount_cents: Number(cents),
      // Its name in the published description; the server has `filters`.
      groups: [],
      filters: [],
      grouped_usage: [],
    })),
  }
}

function frame({ startsAt, endsAt }: Period, currency: string) {
  return {
    from_datetime: isoTime(startsAt),
    to_datetime: isoTime(endsAt - 1000),
    issuing_date: isoTime(endsAt).slice(0, 10),
    lago_invoice_id: null,
    currency,
  }
}

function chargeUsage(row: ChargeUsage, currency: string) {
  const { charge, metric } = row
  return {
    units: decimalText(row),
    events_count: row.eventsCount,
    amount_cents: Number(row.amountCents),
    amount_currency: currency,
    charge: {
      lago_id: charge.lago_id,
      charge_model: charge.charge_model,
      invoice_display_name: charge.invoice_display_name ?? metric.name,
    },
    billable_metric: {
      lago_id: metric.lago_id,
      name: metric.name,
      code: metric.code,
      aggregation_type: metric.aggregation_type,
    },
  }
}

/** Lago writes decimals as text, whole numbers as `5.0`. */
function decimalText({ units }: ChargeUsage): string {
  const text = formatDecimal(units)
  return text.includes('.') ? text : `${text}.0`
}
