import * as z from 'zod'
import type { PaymentOutcome } from '../../core/domain/payment-outcome.js'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { SubscriptionChange, SubscriptionsCapability } from '../../core/ports/capabilities/subscriptions.js'
import { billedOf } from './billed.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { unsupported } from './errors.js'
import { everyPage } from './every-page.js'
import { planCode, usagePlanCode } from './plan-code.js'
import { type LagoPlans, yearlyCents } from './plans.js'
import {
  endsWithPeriod,
  hasEnded,
  type LagoSubscription,
  type PlanNames,
  type Sold,
  soldOf,
  subscriptionSchema,
  toSubscription,
} from './subscription.js'
import type { UsageLine } from './usage-line.js'

const answerSchema = z.object({ subscription: subscriptionSchema })
const allStatuses: ('active' | 'canceled' | 'pending' | 'terminated')[] = [
  'active',
  'pending',
  'terminated',
  'canceled',
]

/** Lago has no pause; what a change costs it says on its invoice alone. */
export type LagoSubscriptionVerbs = Required<
  Pick<SubscriptionsCapability, 'get' | 'list' | 'change' | 'cancel' | 'reactivate'>
>

/**
 * What customers are subscribed to. A subscription is known by its external id, which stays the same when its plan changes.
 *
 * @see https://docs.getlago.com/guide/subscriptions/upgrade-downgrade
 */
export function lagoSubscriptions(
  call: LagoCall,
  plans: LagoPlans,
  line: UsageLine,
  planOf: PlanNames,
): LagoSubscriptionVerbs {
  const rowsOf = (customerId: string, options: CallOptions): Promise<readonly LagoSubscription[]> =>
    everyPage(
      'subscriptions',
      subscriptionSchema,
      ({ lago_id: id }) => id,
      (page) =>
        call.read(options, (client, request) =>
          client.subscriptions.findAllSubscriptions(
            { external_customer_id: customerId, 'status[]': allStatuses, ...page },
            request,
          ),
        ),
    )

  /** Any of those under the id, for it says whose they are; the active one says all that is known of it. */
  const anyOf = async (externalId: string, options: CallOptions): Promise<LagoSubscription> => {
    for (const status of externalId === '' ? [] : allStatuses) {
      try {
        const answer = await call.read(options, (client, request) =>
          client.subscriptions.findSubscription(part(externalId), { status }, request),
        )
        return parseAnswer(answerSchema, answer).subscription
      } catch (error) {
        if (!BillingError.is(error) || error.code !== 'not_found') throw error
      }
    }
    throw new BillingError('not_found', 'Lago has no such subscription.', { details: { subscriptionId: externalId } })
  }

  const read = async (externalId: string, options: CallOptions): Promise<Sold> => {
    const whole = await anyOf(externalId, options)
    const rows = await rowsOf(whole.external_customer_id, options)
    const own = rows.filter(({ external_id: id }) => id === externalId)
    const sold = soldOf(own.map((row) => (row.lago_id === whole.lago_id ? whole : row)))
    if (sold !== null) return sold
    throw new BillingError('not_found', 'Nothing was sold under this id at Lago.', {
      details: { subscriptionId: externalId },
    })
  }

  const running = async (externalId: string, options: CallOptions): Promise<Sold> => {
    const sold = await read(externalId, options)
    if (!hasEnded(sold)) return sold
    throw new BillingError('invalid_state', `Subscription ${externalId} has ended: it cannot be changed any more.`, {
      details: { subscriptionId: externalId, status: sold.current.status },
    })
  }

  const view = async (externalId: string, options: CallOptions) => {
    const sold = await read(externalId, options)
    return toSubscription(sold, planOf, await billedOf(call, sold.current, options))
  }

  /** Another plan under the same id: Lago decides by the yearly amount whether at once or with the end of the period. */
  const putOn = (current: LagoSubscription, code: string, options: CallOptions): Promise<unknown> =>
    call.write(options, (client, request) =>
      client.subscriptions.createSubscription(
        {
          subscription: {
            external_customer_id: current.external_customer_id,
            external_id: current.external_id,
            plan_code: code,
          },
        },
        request,
      ),
    )

  const destroy = (externalId: string, query: { readonly status?: string }, options: CallOptions): Promise<unknown> =>
    call.write(options, (client, request) => client.subscriptions.destroySubscription(part(externalId), query, request))

  const change = async (asked: SubscriptionChange, options: CallOptions): Promise<PaymentOutcome | null> => {
    const { current, next } = await running(asked.externalId, options)
    if (asked.seats !== 1) throw unsupported('Lago has no number of seats: sell a plan for each.')
    const code = planCode(asked.price)
    if (asked.when === 'now') {
      if (asked.proration !== 'invoice_now')
        throw unsupported('Lago settles an upgrade at once, on an invoice of its own.')
      if (current.plan_code === code) return null
    } else if (next?.plan_code === code) return null
    const plan = await plans.ensure(asked.price, options)
    const isUpgrade = yearlyCents(plan) >= yearlyCents(await plans.get(current.plan_code, options))
    if (isUpgrade !== (asked.when === 'now'))
      throw unsupported(
        isUpgrade
          ? 'Lago puts on a plan that costs as much or more at once, not when the period ends.'
          : 'Lago puts on a plan that costs less when the period ends, not at once.',
      )
    await putOn(current, code, options)
    // Lago collects through a payment service of its own, and tells later how that went.
    return isUpgrade && plan.amount_cents > 0 ? { status: 'processing' } : null
  }

  return {
    get: view,
    async list(customerId, options) {
      const byId = groupById(await rowsOf(customerId, options))
      const whole = await Promise.all(
        [...byId].filter(([, rows]) => soldOf(rows) !== null).map(([externalId]) => view(externalId, options)),
      )
      return whole.sort((left, right) => right.createdAt - left.createdAt)
    },
    async change(asked, options) {
      const payment = await change(asked, options)
      return { subscription: await view(asked.externalId, options), payment }
    },
    async cancel(externalId, when, options) {
      const sold = when === 'now' ? await read(externalId, options) : await running(externalId, options)
      const { current } = sold
      const { external_customer_id: customerId } = current
      if (when === 'period_end') {
        const plan = await plans.get(current.plan_code, options)
        // To the plan that costs nothing, so that usage goes on being counted. One that costs nothing itself would end at once.
        if (!endsWithPeriod(sold) && plan.amount_cents > 0) {
          await plans.ensureUsage(plan.amount_currency, [], options)
          await putOn(current, usagePlanCode(plan.amount_currency), options)
          return view(externalId, options)
        }
        if (plan.amount_cents > 0) return view(externalId, options)
      }
      if (!hasEnded(sold)) await destroy(externalId, current.status === 'active' ? {} : { status: 'pending' }, options)
      const ended = await view(externalId, options)
      await line.ensure(customerId, options, ended.endedAt ?? undefined)
      return ended
    },
    async reactivate(externalId, options) {
      const { current, next } = await running(externalId, options)
      if (next !== undefined) await destroy(externalId, { status: 'pending' }, options)
      if (current.ending_at)
        await call.write(options, (client, request) =>
          client.subscriptions.updateSubscription(
            part(externalId),
            { subscription: { ending_at: null } } as never,
            {},
            request,
          ),
        )
      return view(externalId, options)
    },
  }
}

function groupById(rows: readonly LagoSubscription[]): ReadonlyMap<string, readonly LagoSubscription[]> {
  const groups = new Map<string, LagoSubscription[]>()
  for (const row of rows) groups.set(row.external_id, [...(groups.get(row.external_id) ?? []), row])
  return groups
}
