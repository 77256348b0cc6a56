import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { PlanPrice } from '../../core/ports/capabilities/plan-price.js'
import type { MeterNames } from '../door/meter-names.js'
import { toLagoAmount } from './amount.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { isTaken } from './errors.js'
import { everyPage } from './every-page.js'
import { metricOf, refuseOther } from './metrics.js'
import { planCode, usagePlanCode } from './plan-code.js'

const chargeSchema = z.object({
  lago_id: z.string().min(1),
  lago_billable_metric_id: z.string(),
  billable_metric_code: z.string(),
  charge_model: z.string(),
  properties: z.record(z.string(), z.unknown()).nullish(),
})
const planSchema = z.object({
  lago_id: z.string().min(1),
  code: z.string(),
  name: z.string(),
  description: z.string().nullish(),
  amount_cents: z.number(),
  amount_currency: z.string(),
  interval: z.string(),
  charges: z.array(chargeSchema).nullish(),
})
const answerSchema = z.object({ plan: planSchema })

/** A plan at Lago. */
export type LagoPlan = z.output<typeof planSchema>

const intervals = { month: 'monthly', year: 'yearly' } as const

/** The plans of a Lago. */
export interface LagoPlans {
  /** All of them, by code. */
  byCode(options: CallOptions): Promise<ReadonlyMap<string, LagoPlan>>
  /** @throws BillingError `not_found` */
  get(code: string, options: CallOptions): Promise<LagoPlan>
  /** Gets the plan of a price, and makes it if it is not there. Several at once make one. */
  ensure(price: PlanPrice, options: CallOptions): Promise<LagoPlan>
  rename(code: string, name: string, options: CallOptions): Promise<LagoPlan>
  /** Writes down whether new subscribers get it; whoever has it keeps it. */
  putOnSale(code: string, isSold: boolean, options: CallOptions): Promise<LagoPlan>
  /** The plan of whoever has none, with a charge of nothing for each of these metrics, so that Lago shows what was used. */
  ensureUsage(currency: string, metricIds: readonly string[], options: CallOptions): Promise<LagoPlan>
  /** The plan of whoever is charged for usage here, and for nothing else. */
  ensurePriced(currency: string, overage: PlanPrice['overage'], options: CallOptions): Promise<LagoPlan>
}

/** What the description of a plan says, since Lago has no archive: a plan that is deleted there takes its subscriptions with it. */
const onSale = 'Sold by Billfold'
const offSale = 'Not sold any more'

export function isOnSale({ description }: LagoPlan): boolean {
  return description !== offSale
}

type PlanUpdate = Parameters<Parameters<Parameters<LagoCall['write']>[1]>[0]['plans']['updatePlan']>[1]['plan']
type PlanInput = Parameters<Parameters<Parameters<LagoCall['write']>[1]>[0]['plans']['createPlan']>[0]['plan']

export function lagoPlans(call: LagoCall, codeOf: MeterNames): LagoPlans {
  const get = async (code: string, options: CallOptions): Promise<LagoPlan> => {
    const answer = await call.read(options, (client, request) => client.plans.findPlan(part(code), request))
    return parseAnswer(answerSchema, answer).plan
  }

  const create = async (plan: PlanInput, options: CallOptions): Promise<LagoPlan> => {
    try {
      const answer = await call.write(options, (client, request) => client.plans.createPlan({ plan }, request))
      return parseAnswer(answerSchema, answer).plan
    } catch (error) {
      // Someone else may have made it in the meantime, or we may have, and the answer was lost.
      if (!isTaken(error)) throw error
      return get(plan.code, options)
    }
  }

  const ensure = async (code: string, options: CallOptions, make: () => Promise<PlanInput>): Promise<LagoPlan> => {
    try {
      return await get(code, options)
    } catch (error) {
      if (!BillingError.is(error) || error.code !== 'not_found') throw error
      return create(await make(), options)
    }
  }

  const update = async (code: string, plan: PlanUpdate, options: CallOptions): Promise<LagoPlan> => {
    const answer = await call.write(options, (client, request) =>
      client.plans.updatePlan(part(code), { plan }, request),
    )
    return parseAnswer(answerSchema, answer).plan
  }

  const chargesOf = (overage: PlanPrice['overage'], options: CallOptions) =>
    Promise.all(
      overage.map(async ({ meter, sparkPrice }) => {
        const metric = await metricOf(call, codeOf(meter), options)
        refuseOther(metric)
        return charge(metric.lago_id, sparkPrice)
      }),
    )

  return {
    get,
    async byCode(options) {
      const rows = await everyPage(
        'plans',
        planSchema,
        ({ code }) => code,
        (page) => call.read(options, (client, request) => client.plans.findAllPlans(page, request)),
      )
      return new Map(rows.map((plan) => [plan.code, plan]))
    },
    ensure(price, options) {
      const code = planCode(price)
      return ensure(code, options, async () => {
        const { currency, cents } = toLagoAmount(price.amount)
        return {
          name: price.title,
          code,
          description: onSale,
          interval: intervals[price.interval],
          amount_cents: cents,
          amount_currency: currency as PlanInput['amount_currency'],
          pay_in_advance: true,
          charges: await chargesOf(price.overage, options),
        }
      })
    },
    rename: (code, name, options) => update(code, { name }, options),
    putOnSale: (code, isSold, options) => update(code, { description: isSold ? onSale : offSale }, options),
    ensurePriced(currency, overage, options) {
      const code = usagePlanCode(currency, overage)
      return ensure(code, options, async () => ({
        name: 'Usage',
        code,
        interval: 'monthly',
        amount_cents: 0,
        amount_currency: currency as PlanInput['amount_currency'],
        pay_in_advance: false,
        charges: await chargesOf(overage, options),
      }))
    },
    async ensureUsage(currency, metricIds, options) {
      const code = usagePlanCode(currency)
      const plan = await ensure(code, options, async () => ({
        name: 'Usage',
        code,
        interval: 'monthly',
        amount_cents: 0,
        amount_currency: currency as PlanInput['amount_currency'],
        pay_in_advance: false,
        charges: metricIds.map((id) => charge(id, '0')),
      }))
      const charges = plan.charges ?? []
      const missing = metricIds.filter((id) => !charges.some(({ lago_billable_metric_id: known }) => known === id))
      if (missing.length === 0) return plan
      const kept = charges.map((each) => ({
        id: each.lago_id,
        billable_metric_id: each.lago_billable_metric_id,
        charge_model: each.charge_model as 'standard',
        properties: { amount: String(each.properties?.amount ?? '0') },
      }))
      // The list replaces the one before.
      return update(code, { charges: [...kept, ...missing.map((id) => charge(id, '0'))] }, options)
    },
  }
}

function charge(metricId: string, amount: string) {
  return {
    billable_metric_id: metricId,
    charge_model: 'standard' as const,
    pay_in_advance: false,
    properties: { amount },
  }
}

/** By which Lago compares plans. */
export function yearlyCents({ amount_cents: cents, interval }: LagoPlan): number {
  const perYear: Readonly<Record<string, number>> = { weekly: 52, monthly: 12, quarterly: 4, semiannual: 2, yearly: 1 }
  return cents * (perYear[interval] ?? 1)
}
