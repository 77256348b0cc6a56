import * as z from 'zod'
import type { Instant } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { CollectedCustomer } from '../../core/ports/capabilities/metering.js'
import type { PlanPrice } from '../../core/ports/capabilities/plan-price.js'
import type { MeterNames } from '../door/meter-names.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { isIdlePlan, isUsagePlan, usagePlanCode } from './plan-code.js'
import type { LagoPlans } from './plans.js'

/**
 * The one line of subscriptions that a customer has: all of them under the customer's own id, one after the other. Without a plan it is
 * on one that costs nothing, so that there is always a subscription that usage belongs to; and a report has the same address however
 * often the plan changes, which is what makes its transaction id permanent.
 */
export interface UsageLine {
  /** The external id of the line's subscriptions. */
  idOf(customerId: string): string
  /** Begins the line where it has not begun, or goes on with it from where it was broken off. Harmless to repeat. */
  ensure(customerId: string, options: CallOptions, brokenOffAt?: Instant): Promise<void>
  /**
   * Puts a customer without a plan on one, from now on; its periods are counted from today. One with a plan is put on this one as Lago
   * does it: at once when it costs as much or more, else when the period ends. Harmless to repeat.
   */
  begin(customerId: string, price: PlanPrice, options: CallOptions): Promise<{ readonly subscriptionId: string }>
  /**
   * Puts a customer without a plan on one that charges for usage alone, from a moment on; one whose plan charges for it stays. Harmless
   * to repeat. @throws BillingError `invalid_state` for a plan that charges for less
   */
  collect(customer: CollectedCustomer, codeOf: MeterNames, options: CallOptions): Promise<void>
  /** The codes of these metrics that the customer's plan charges for. */
  charges(customerId: string, codes: readonly string[], options: CallOptions): Promise<readonly string[]>
}

const answerSchema = z.object({
  subscription: z.object({ external_id: z.string(), plan_code: z.string(), terminated_at: z.string().nullish() }),
})
type Active = z.output<typeof answerSchema>['subscription']

const dayMs = 86_400_000
/** How often others may come first. */
const attempts = 5
/** How old usage may be when its customer is made: Lago counts nothing of the time before a subscription began. */
export const reachMs = 365 * dayMs

export function usageLine(call: LagoCall, plans: LagoPlans, currency: string, now: () => Instant): UsageLine {
  const active = async (lineId: string, options: CallOptions): Promise<Active | null> => {
    try {
      const answer = await call.read(options, (client, request) =>
        client.subscriptions.findSubscription(part(lineId), {}, request),
      )
      return parseAnswer(answerSchema, answer).subscription
    } catch (error) {
      if (BillingError.is(error) && error.code === 'not_found') return null
      throw error
    }
  }

  const subscribe = async (customerId: string, planCode: string, from: Instant, options: CallOptions) => {
    const answer = await call.write(options, (client, request) =>
      client.subscriptions.createSubscription(
        {
          subscription: {
            external_customer_id: customerId,
            external_id: customerId,
            plan_code: planCode,
            billing_time: 'anniversary',
            subscription_at: new Date(from).toISOString(),
          },
        },
        request,
      ),
    )
    return parseAnswer(answerSchema, answer).subscription
  }

  const idle = async (customerId: string, from: Instant, options: CallOptions): Promise<void> => {
    const code = usagePlanCode(currency)
    try {
      await subscribe(customerId, code, from, options)
    } catch (error) {
      if (!isMissing(error, 'plan_not_found')) throw error
      await plans.ensureUsage(currency, [], options)
      await subscribe(customerId, code, from, options)
    }
  }

  /** An upgrade would keep the days on which periods begin, and charge a part of the first one. When it ended. */
  const end = async (customerId: string, { plan_code: code }: Active, options: CallOptions): Promise<Instant> => {
    // What is charged by usage alone is invoiced up to here.
    const unbilled = isIdlePlan(code) ? ({ on_termination_invoice: 'skip' } as const) : {}
    const answer = await call.write(options, (client, request) =>
      client.subscriptions.destroySubscription(
        part(customerId),
        { ...unbilled, on_termination_credit_note: 'skip' },
        request,
      ),
    )
    const ended = Date.parse(parseAnswer(answerSchema, answer).subscription.terminated_at ?? '')
    return Number.isNaN(ended) ? now() : ended
  }

  const charges = async (planCode: string, codes: readonly string[], options: CallOptions) => {
    const plan = await plans.get(planCode, options)
    const priced = new Set(
      (plan.charges ?? [])
        .filter(({ charge_model: model, properties }) => model !== 'standard' || Number(properties?.amount ?? 0) !== 0)
        .map(({ billable_metric_code: code }) => code),
    )
    return codes.filter((code) => priced.has(code))
  }

  const collectOnce = async (
    { customerId, overage, currency: charged, from }: CollectedCustomer,
    codeOf: MeterNames,
    options: CallOptions,
  ): Promise<void> => {
    const before = await active(customerId, options)
    const codes = overage.map(({ meter }) => codeOf(meter))
    if (before !== null) {
      const priced = await charges(before.plan_code, codes, options)
      if (priced.length === codes.length) return
      if (!isUsagePlan(before.plan_code))
        throw new BillingError(
          'invalid_state',
          `Lago's plan ${before.plan_code} does not charge for ${codes.filter((code) => !priced.includes(code)).join(', ')}: add a charge there first.`,
          { details: { customerId, plan: before.plan_code } },
        )
    }
    const { code } = await plans.ensurePriced(charged, overage, options)
    if (before !== null) await end(customerId, before, options)
    await subscribe(customerId, code, Math.min(from, now()), options)
  }

  return {
    idOf: (customerId) => customerId,
    async ensure(customerId, options, brokenOffAt) {
      // Asked first: to begin again on the plan that costs nothing would end the plan that is paid for.
      if ((await active(customerId, options)) !== null) return
      await idle(customerId, brokenOffAt ?? now() - reachMs - dayMs, options)
    },
    async begin(customerId, price, options) {
      const { code } = await plans.ensure(price, options)
      const before = await active(customerId, options)
      const from = before !== null && isUsagePlan(before.plan_code) ? await end(customerId, before, options) : now()
      const { external_id: subscriptionId } = await subscribe(customerId, code, from, options)
      return { subscriptionId }
    },
    async collect(customer, codeOf, options) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          await collectOnce(customer, codeOf, options)
          return
        } catch (error) {
          // Another process ended the same one at the same time: what is there now is looked at again.
          if (attempt === attempts || !isMissing(error, 'subscription_not_found')) throw error
        }
      }
    },
    async charges(customerId, codes, options) {
      const present = await active(customerId, options)
      return present === null ? [] : charges(present.plan_code, codes, options)
    },
  }
}

function isMissing(error: unknown, code: string): boolean {
  return BillingError.is(error) && error.code === 'not_found' && error.details.code === code
}
