import {
  addDecimal,
  compareDecimal,
  type Decimal,
  decimal,
  divide,
  multiplyDecimal,
  normalize,
  parseDecimal,
  tenTo,
} from '../../../core/domain/decimal.js'
import { currencyDigits } from '../../../core/domain/money.js'
import type { Period } from '../../../core/domain/period.js'
import type { BillableMetric } from './billable-metrics.js'
import { type Charge, priceOf } from './charges.js'
import { events, type LagoEvent } from './events.js'
import { metricOfCharge, planOf } from './plans.js'
import { activeAt, type LagoSubscription } from './subscriptions.js'
import type { LagoWorld } from './world.js'

/** What was counted for one charge in a period, and what it costs. */
export interface ChargeUsage {
  readonly charge: Charge
  readonly metric: BillableMetric
  readonly units: Decimal
  readonly eventsCount: number
  readonly amountCents: bigint
}

/** Usage of a subscription in a period, charge by charge. */
export function usageOf(world: LagoWorld, subscription: LagoSubscription, period: Period): readonly ChargeUsage[] {
  const plan = planOf(world, subscription.plan_code)
  const counted = [...events(world).values()].filter(
    ({ external_subscription_id: id, timestampMs: at }) =>
      id === subscription.external_id &&
      at >= period.startsAt &&
      at < period.endsAt &&
      activeAt(world, id, at)?.lago_id === subscription.lago_id,
  )
  return plan.charges.map((charge) => {
    const metric = metricOfCharge(world, charge)
    const own = counted.filter(({ code }) => code === metric.code)
    const units = aggregate(metric, own)
    const amountCents = toCents(priceOf(charge, units), plan.amount_currency)
    return { charge, metric, units, eventsCount: own.length, amountCents }
  })
}

/** The smallest units of a currency, rounded half up as Lago does. */
export function toCents(amount: Decimal, currency: string): bigint {
  return roundHalfUp(amount, currencyDigits(currency))
}

export function roundHalfUp({ coefficient, scale }: Decimal, digits: number): bigint {
  return divide(2n * coefficient * tenTo(digits) + tenTo(scale), 2n * tenTo(scale), 'floor')
}

/** Units by the part of a period that has gone by, to two digits. */
export function project(units: Decimal, elapsedMs: number, wholeMs: number): Decimal {
  const whole = multiplyDecimal(units, normalize(BigInt(wholeMs), 0))
  const hundredths = divide(whole.coefficient * 100n, BigInt(Math.max(1, elapsedMs)) * tenTo(whole.scale), 'half_even')
  return normalize(hundredths, 2)
}

function aggregate({ aggregation_type: type, field_name: field }: BillableMetric, rows: readonly LagoEvent[]): Decimal {
  const values = rows.map(({ properties }) => properties[field ?? ''])
  const numbers = values.map((value) => parseDecimal(String(value ?? '')) ?? decimal('0'))
  switch (type) {
    case 'count_agg':
      return normalize(BigInt(rows.length), 0)
    case 'sum_agg':
      return numbers.reduce(addDecimal, decimal('0'))
    case 'max_agg':
      return numbers.reduce((most, each) => (compareDecimal(each, most) > 0 ? each : most), decimal('0'))
    case 'unique_count_agg':
      return normalize(BigInt(new Set(values.filter((value) => value !== undefined).map(String)).size), 0)
    case 'latest_agg': {
      const last = rows.reduce(
        (best, row, index) => (row.timestampMs >= (rows[best]?.timestampMs ?? 0) ? index : best),
        0,
      )
      return numbers[last] ?? decimal('0')
    }
  }
}
