import * as z from 'zod'
import { parseDecimal, toScaled } from '../../core/domain/decimal.js'
import { addMoney, type Money } from '../../core/domain/money.js'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { PeriodUsage, UsageReportsCapability } from '../../core/ports/capabilities/usage-reports.js'
import type { MeterNames } from '../door/meter-names.js'
import { fromLagoAmount } from './amount.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { refusalOf } from './errors.js'
import { everyPage } from './every-page.js'
import { afterSecond, instant } from './instant.js'
import type { UsageLine } from './usage-line.js'

const decimalText = z.string().refine((text) => parseDecimal(text) !== undefined)
const chargeSchema = z.object({
  units: decimalText,
  amount_cents: z.int(),
  amount_currency: z.string().nullish(),
  projected_units: decimalText.nullish(),
  projected_amount_cents: z.int().nullish(),
  billable_metric: z.object({ code: z.string() }),
})
const moment = z.string().refine((text) => instant(text) !== null)
const periodSchema = z.object({
  from_datetime: moment,
  to_datetime: moment,
  /** Need not be there. */
  currency: z.string().nullish(),
  amount_cents: z.int(),
  projected_amount_cents: z.int().nullish(),
  charges_usage: z.array(chargeSchema),
})
type LagoPeriod = z.output<typeof periodSchema>

/**
 * What Lago charges for usage, by its own billing periods. Lago keeps the answer for some minutes: what was just sent may not be in it.
 *
 * @see https://docs.getlago.com/api-reference/customer-usage/get-current
 */
export function lagoPeriodUsage(
  call: LagoCall,
  line: UsageLine,
  codeOf: MeterNames,
  /** Of customers of whom Lago does not say it. */
  currency: string,
): NonNullable<UsageReportsCapability['periods']> {
  return async ({ customerId, which, meters }, options) => {
    const meterOf = new Map(meters.map((meter) => [codeOf(meter), meter]))
    const rows = await read[which](call, { customer: part(customerId), line: line.idOf(customerId) }, options).catch(
      (error) => {
        // The line was broken off, or is gone with its customer.
        if (refusalOf(error).includes('no_active_subscription')) return []
        if (BillingError.is(error) && error.code === 'not_found') return []
        throw error
      },
    )
    return rows.map((row) => toPeriod(row, { isProjected: which === 'projected', meterOf, currency }))
  }
}

interface Whose {
  readonly customer: string
  readonly line: string
}

const read = {
  async current(call: LagoCall, { customer, line }: Whose, options: CallOptions) {
    const query = { external_subscription_id: line, apply_taxes: false }
    const answer = await call.read(options, (client, request) =>
      client.customers.findCustomerCurrentUsage(customer, query, request),
    )
    return [parseAnswer(z.object({ customer_usage: periodSchema }), answer).customer_usage]
  },
  async projected(call: LagoCall, { customer, line }: Whose, options: CallOptions) {
    const query = { external_subscription_id: line, apply_taxes: false }
    const answer = await call.read(options, (client, request) =>
      client.customers.findCustomerProjectedUsage(customer, query, request),
    )
    return [parseAnswer(z.object({ customer_projected_usage: periodSchema }), answer).customer_projected_usage]
  },
  past(call: LagoCall, { customer, line }: Whose, options: CallOptions) {
    const list = (page: { readonly page: number; readonly per_page: number }) =>
      call.read(options, (client, request) =>
        client.customers.findAllCustomerPastUsage(customer, { external_subscription_id: line, ...page }, request),
      )
    return everyPage('usage_periods', periodSchema, ({ from_datetime: from, to_datetime: to }) => `${from} ${to}`, list)
  },
}

function toPeriod(
  row: LagoPeriod,
  asked: { readonly isProjected: boolean; readonly meterOf: ReadonlyMap<string, string>; readonly currency: string },
): PeriodUsage {
  const { isProjected, meterOf } = asked
  const currency = row.currency ?? row.charges_usage[0]?.amount_currency ?? asked.currency
  const money = (cents: number, projected: number | null | undefined) =>
    fromLagoAmount(isProjected ? (projected ?? cents) : cents, currency)
  // A plan may charge for one metric in several ways.
  const sums = new Map<string, { readonly sparks: bigint; readonly amount: Money }>()
  for (const charge of row.charges_usage) {
    const meter = meterOf.get(charge.billable_metric.code)
    if (meter === undefined) continue
    const units = isProjected ? (charge.projected_units ?? charge.units) : charge.units
    const before = sums.get(meter)
    const amount = money(charge.amount_cents, charge.projected_amount_cents)
    const sparks = toScaled(parseDecimal(units) as NonNullable<ReturnType<typeof parseDecimal>>, 6, 'half_even')
    sums.set(meter, {
      sparks: (before?.sparks ?? 0n) + sparks,
      amount: before ? addMoney(before.amount, amount) : amount,
    })
  }
  return {
    startsAt: instant(row.from_datetime) ?? 0,
    endsAt: afterSecond(instant(row.to_datetime)) ?? 0,
    amount: money(row.amount_cents, row.projected_amount_cents),
    meters: [...sums].map(([meter, sum]) => ({ meter, ...sum })),
  }
}
