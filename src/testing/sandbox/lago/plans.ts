import * as z from 'zod'
import { type BillableMetric, billableMetrics } from './billable-metrics.js'
import { type Charge, chargeShape, shownCharge, toCharge } from './charges.js'
import { invalid, notFound } from './errors.js'
import { noBody, paged, route, wrapped } from './route.js'
import { isoTime, type LagoWorld, newLagoId, tableOf } from './world.js'

/** What subscribers pay: an amount for each interval, and charges for what is counted. */
export interface LagoPlan {
  readonly lago_id: string
  readonly name: string
  readonly invoice_display_name: string | null
  readonly code: string
  readonly interval: PlanInterval
  readonly description: string | null
  readonly amount_cents: number
  readonly amount_currency: string
  /** Days. */
  readonly trial_period: number
  readonly pay_in_advance: boolean
  readonly bill_charges_monthly: boolean | null
  readonly charges: readonly Charge[]
  readonly created_at: string
}

export type PlanInterval = (typeof intervals)[number]

/** Lago has quarters and half-years besides. */
const intervals = ['weekly', 'monthly', 'yearly'] as const
const perYear: Readonly<Record<PlanInterval, number>> = { weekly: 52, monthly: 12, yearly: 1 }

/** By code. */
export const plans = tableOf<LagoPlan>('plans')

const planShape = z.object({
  name: z.string().min(1),
  invoice_display_name: z.string().nullish(),
  code: z.string().min(1),
  interval: z.enum(intervals),
  description: z.string().nullish(),
  amount_cents: z.int().nonnegative(),
  amount_currency: z.string().regex(/^[A-Z]{3}$/),
  trial_period: z.number().nonnegative().nullish(),
  pay_in_advance: z.boolean(),
  bill_charges_monthly: z.boolean().nullish(),
  charges: z.array(chargeShape).optional(),
})

export const planRoutes = [
  route('POST /plans', wrapped('plan', planShape), ({ world, body: { plan: given } }) => {
    if (plans(world).has(given.code)) throw invalid({ code: ['value_already_exist'] })
    const plan: LagoPlan = {
      lago_id: newLagoId(),
      name: given.name,
      invoice_display_name: given.invoice_display_name ?? null,
      code: given.code,
      interval: given.interval,
      description: given.description ?? null,
      amount_cents: given.amount_cents,
      amount_currency: given.amount_currency,
      trial_period: given.trial_period ?? 0,
      pay_in_advance: given.pay_in_advance,
      bill_charges_monthly: given.bill_charges_monthly ?? null,
      charges: (given.charges ?? []).map((charge) => toCharge(world, charge)),
      created_at: isoTime(world.now()),
    }
    plans(world).put(plan.code, plan)
    return { plan: shownPlan(world, plan) }
  }),
  route('GET /plans', noBody, ({ world, query }) =>
    paged(
      'plans',
      [...plans(world).values()].reverse().map((plan) => shownPlan(world, plan)),
      query,
    ),
  ),
  route('GET /plans/:code', noBody, ({ world, path }) => ({ plan: shownPlan(world, planOf(world, path.code ?? '')) })),
  route('PUT /plans/:code', wrapped('plan', planShape.partial()), ({ world, path, body: { plan: given } }) => {
    const before = planOf(world, path.code ?? '')
    const { charges, ...rest } = given
    const changed = Object.fromEntries(
      Object.entries(rest).filter(([, value]) => value !== undefined && value !== null),
    )
    const after: LagoPlan = {
      ...before,
      ...changed,
      code: before.code,
      // The list replaces the one before: a charge that it does not name is gone.
      charges: charges?.map((charge) => toCharge(world, charge, before.charges)) ?? before.charges,
    }
    plans(world).put(after.code, after)
    return { plan: shownPlan(world, after) }
  }),
]

/** @throws a 404 in Lago's words */
export function planOf(world: LagoWorld, code: string): LagoPlan {
  const found = plans(world).get(code)
  if (found === undefined) throw notFound('plan')
  return found
}

/** By which plans are compared: more a year, or as much, is an upgrade. */
export function yearlyAmount({ amount_cents: amount, interval }: LagoPlan): number {
  return amount * perYear[interval]
}

/** The metric that a charge counts. */
export function metricOfCharge(world: LagoWorld, { lago_billable_metric_id: id }: Charge): BillableMetric {
  for (const metric of billableMetrics(world).values()) if (metric.lago_id === id) return metric
  throw notFound('billable_metric')
}

export function shownPlan(world: LagoWorld, { charges, invoice_display_name: shown, description, ...plan }: LagoPlan) {
  return {
    ...plan,
    invoice_display_name: shown ?? plan.name,
    description: description ?? '',
    charges: charges.map((charge) => shownCharge(charge, metricOfCharge(world, charge).code)),
    fixed_charges: [],
    taxes: [],
    usage_thresholds: [],
    entitlements: [],
  }
}
