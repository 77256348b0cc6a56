import * as z from 'zod'
import type { Instant } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { type LagoCall, parseAnswer, part } from './call.js'

/**
 * The one line of subscriptions that a customer has: all of them under the customer's own id, one after the other. Without a plan it is
 * on one that costs nothing, so that there is always a subscription that usage belongs to; and a report has the same address however
 * often the plan changes, which is what makes its transaction id permanent.
 */
export interface UsageLine {
  /** The external id of the line's subscriptions. */
  idOf(customerId: string): string
  /** Begins the line where it has not begun, or was broken off. Harmless to repeat. */
  ensure(customerId: string, options: CallOptions): Promise<void>
}

/** The plan of whoever has none. */
export const usagePlanCode = 'billfold:usage'

const subscriptionSchema = z.object({ subscription: z.object({ plan_code: z.string() }) })

const dayMs = 86_400_000
/** How old usage may be when a customer is made: Lago counts nothing that happened before the subscription began. */
export const reachMs = 365 * dayMs

export function usageLine(call: LagoCall, currency: string, now: () => Instant): UsageLine {
  const ensurePlan = async (options: CallOptions): Promise<void> => {
    try {
      await call.write(options, (client, request) =>
        client.plans.createPlan(
          {
            plan: {
              name: 'Usage',
              code: usagePlanCode,
              interval: 'monthly',
              amount_cents: 0,
              amount_currency: currency as 'USD',
              pay_in_advance: false,
              charges: [],
            },
          },
          request,
        ),
      )
    } catch (error) {
      // Someone else was faster.
      if (!isTaken(error)) throw error
    }
  }

  const begin = async (customerId: string, options: CallOptions): Promise<void> => {
    const answer = await call.write(options, (client, request) =>
      client.subscriptions.createSubscription(
        {
          subscription: {
            external_customer_id: customerId,
            external_id: customerId,
            plan_code: usagePlanCode,
            billing_time: 'anniversary',
            subscription_at: new Date(now() - reachMs - dayMs).toISOString(),
          },
        },
        request,
      ),
    )
    parseAnswer(subscriptionSchema, answer)
  }

  return {
    idOf: (customerId) => customerId,
    async ensure(customerId, options) {
      if (await hasActive(call, customerId, options)) return
      try {
        await begin(customerId, options)
      } catch (error) {
        if (!isMissingPlan(error)) throw error
        await ensurePlan(options)
        await begin(customerId, options)
      }
    },
  }
}

/** Asked first: to begin again on the plan that costs nothing would end the plan that is paid for. */
async function hasActive(call: LagoCall, lineId: string, options: CallOptions): Promise<boolean> {
  try {
    await call.read(options, (client, request) => client.subscriptions.findSubscription(part(lineId), {}, request))
    return true
  } catch (error) {
    if (BillingError.is(error) && error.code === 'not_found') return false
    throw error
  }
}

function isMissingPlan(error: unknown): boolean {
  return BillingError.is(error) && error.code === 'not_found' && error.details.code === 'plan_not_found'
}

/** Whether a create was refused because the code is there already. */
export function isTaken(error: unknown): boolean {
  return BillingError.is(error) && JSON.stringify(error.details.fields ?? '').includes('value_already_exist')
}
