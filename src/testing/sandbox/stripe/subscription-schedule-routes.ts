import * as z from 'zod'
import { checkCurrency } from './customer-currency.js'
import { requireCustomer } from './customers.js'
import { invalidRequest, missingParameter } from './errors.js'
import { count, flag, isWithin, list, mergeMetadata, metadata, paging, text, timeRange, tolerated } from './form.js'
import { listPage, noParameters, route } from './route.js'
import { cancelSubscription } from './subscription-cancel.js'
import { startSubscription } from './subscription-create.js'
import { requireRecurringPrice } from './subscription-item-changes.js'
import { hasEnded, subscriptions } from './subscription-object.js'
import { creatable, prorationBehavior } from './subscription-parameters.js'
import { requireSubscription } from './subscription-routes.js'
import {
  newPhase,
  newSchedule,
  type SchedulePhase,
  type SubscriptionSchedule,
  schedules,
} from './subscription-schedule-object.js'
import { releaseSchedule, requireSchedule, saveSchedule, scheduleFrom } from './subscription-schedules.js'
import { updateSubscription } from './subscriptions.js'
import { clockOf } from './test-clocks.js'
import { type StripeWorld, seconds } from './world.js'

const moment = z.union([z.literal('now'), count])

const phase = z.strictObject({
  items: list(z.strictObject({ price: text, quantity: count.optional() })),
  start_date: moment.optional(),
  end_date: moment.optional(),
  duration: z
    .strictObject({ interval: z.enum(['day', 'week', 'month', 'year']), interval_count: count.optional() })
    .optional(),
  proration_behavior: prorationBehavior.optional(),
  currency: text.optional(),
  metadata,
})

const endBehavior = z.enum(['cancel', 'release'], 'The sandbox models the end behaviors `cancel` and `release`.')

export const subscriptionScheduleRoutes = [
  route(
    'POST /v1/subscription_schedules',
    z.strictObject({
      customer: text.optional(),
      from_subscription: text.optional(),
      start_date: moment.optional(),
      phases: list(phase).optional(),
      end_behavior: endBehavior.optional(),
      metadata,
      ...tolerated('billing_mode'),
    }),
    ({ world, params }) => {
      if (params.from_subscription !== undefined) {
        const extra = (['phases', 'customer', 'start_date', 'end_behavior'] as const).find(
          (name) => params[name] !== undefined,
        )
        if (extra !== undefined) {
          throw invalidRequest(`You cannot set \`${extra}\` if \`from_subscription\` is set.`, { param: extra })
        }
        const subscription = requireSubscription(world, params.from_subscription)
        return scheduleFrom(clockOf(world, subscription), subscription)
      }
      if (params.customer === undefined) throw missingParameter('customer')
      if (params.phases === undefined) throw missingParameter('phases')
      const customer = requireCustomer(world, params.customer)
      const own = clockOf(world, customer)
      const now = seconds(own)
      const start = params.start_date === undefined || params.start_date === 'now' ? now : params.start_date
      const phases = readPhases(own, params.phases, start)
      checkCurrency(own, customer.id, phases[0]?.currency ?? 'usd')
      const made = newSchedule(own, customer.id, phases, params.end_behavior ?? 'release', {
        status: 'not_started',
        subscription: null,
        metadata: params.metadata ?? {},
      })
      const saved = saveSchedule(own, made, 'subscription_schedule.created')
      return start <= now ? startSchedule(own, saved) : saved
    },
  ),
  route(
    'GET /v1/subscription_schedules',
    z.strictObject({
      ...paging,
      customer: text.optional(),
      scheduled: flag.optional(),
      created: timeRange.optional(),
      canceled_at: timeRange.optional(),
      completed_at: timeRange.optional(),
      released_at: timeRange.optional(),
      ...tolerated('customer_account'),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/subscription_schedules',
        [...schedules(world).values()].filter(
          (each) =>
            (params.customer === undefined || params.customer === each.customer) &&
            (params.scheduled !== true || each.status === 'not_started') &&
            isWithin(params.created, each.created) &&
            isWithin(params.canceled_at, each.canceled_at ?? -1) &&
            isWithin(params.completed_at, each.completed_at ?? -1) &&
            isWithin(params.released_at, each.released_at ?? -1),
        ),
        params,
      ),
  ),
  route('GET /v1/subscription_schedules/:id', noParameters, ({ world, path }) => requireSchedule(world, path.id)),
  route(
    'POST /v1/subscription_schedules/:id',
    z.strictObject({
      phases: list(phase).optional(),
      end_behavior: endBehavior.optional(),
      proration_behavior: prorationBehavior.optional(),
      metadata,
    }),
    ({ world, path, params }) => {
      const before = requireLive(world, path.id, 'update')
      const own = clockOf(world, before)
      const start = before.current_phase?.start_date ?? before.phases[0]?.start_date ?? seconds(own)
      const phases = params.phases === undefined ? before.phases : readPhases(own, params.phases, start)
      const current = phases.find(({ start_date: from, end_date: to }) => from <= seconds(own) && to > seconds(own))
      if (before.status === 'active' && current === undefined) {
        throw invalidRequest('You must pass in the current phase when updating the phases of an active schedule.', {
          param: 'phases',
        })
      }
      const after: SubscriptionSchedule = {
        ...before,
        phases,
        current_phase:
          before.status === 'active' && current !== undefined
            ? { start_date: current.start_date, end_date: current.end_date }
            : null,
        end_behavior: params.end_behavior ?? before.end_behavior,
        metadata: mergeMetadata(before.metadata, params.metadata),
      }
      return saveSchedule(own, after, 'subscription_schedule.updated')
    },
  ),
  route(
    'POST /v1/subscription_schedules/:id/release',
    z.strictObject(tolerated('preserve_cancel_date')),
    ({ world, path }) => {
      const before = requireLive(world, path.id, 'release')
      return releaseSchedule(clockOf(world, before), before)
    },
  ),
  route(
    'POST /v1/subscription_schedules/:id/cancel',
    z.strictObject({ invoice_now: flag.optional(), prorate: flag.optional() }),
    ({ world, path, params }) => {
      const before = requireLive(world, path.id, 'cancel')
      const own = clockOf(world, before)
      const subscription = subscriptions(world).get(before.subscription ?? '')
      if (subscription !== undefined && !hasEnded(subscription)) {
        cancelSubscription(own, subscription, {
          invoiceNow: params.invoice_now ?? true,
          prorate: params.prorate ?? true,
          details: undefined,
        })
      }
      const after: SubscriptionSchedule = {
        ...before,
        status: 'canceled',
        canceled_at: seconds(own),
        current_phase: null,
      }
      return saveSchedule(own, after, 'subscription_schedule.canceled')
    },
  ),
]

/** The first phase begins: there is a subscription now. */
export function startSchedule(world: StripeWorld, before: SubscriptionSchedule): SubscriptionSchedule {
  const [first] = before.phases
  if (before.status !== 'not_started' || first === undefined) return before
  const customer = requireCustomer(world, before.customer)
  const items = Object.fromEntries(
    first.items.map(({ price, quantity }, index) => [
      index,
      { price, ...(quantity === undefined ? {} : { quantity: String(quantity) }) },
    ]),
  )
  const subscription = startSubscription(
    world,
    customer,
    creatable.parse({ customer: customer.id, items, metadata: first.metadata ?? {} }),
  )
  updateSubscription(world, subscription, { schedule: before.id })
  const current_phase = { start_date: first.start_date, end_date: first.end_date }
  return saveSchedule(
    world,
    { ...before, status: 'active', subscription: subscription.id, current_phase },
    'subscription_schedule.updated',
  )
}

function readPhases(
  world: StripeWorld,
  given: readonly z.output<typeof phase>[],
  start: number,
): readonly SchedulePhase[] {
  if (given.length === 0) throw missingParameter('phases')
  const phases: SchedulePhase[] = []
  for (const [index, each] of given.entries()) {
    const from = phases.at(-1)?.end_date ?? start
    const said = each.start_date === 'now' ? seconds(world) : each.start_date
    if (said !== undefined && said !== from) {
      throw invalidRequest('The start date of a phase must be the end date of the one before it.', {
        param: `phases[${index}][start_date]`,
      })
    }
    if (each.end_date !== undefined && each.duration !== undefined) {
      throw invalidRequest('You may only specify one of these parameters: end_date, duration.', {
        param: `phases[${index}][end_date]`,
      })
    }
    const end = each.end_date === 'now' ? seconds(world) : each.end_date
    if (end !== undefined && end <= from) {
      throw invalidRequest('The end date of a phase must be after its start date.', {
        param: `phases[${index}][end_date]`,
      })
    }
    const items = each.items.map(({ price, quantity }, position) => {
      requireRecurringPrice(world, price, `phases[${index}][items][${position}][price]`)
      return { price, quantity }
    })
    const currency =
      each.currency ?? requireRecurringPrice(world, items[0]?.price ?? '', `phases[${index}][items]`).currency
    const { duration, proration_behavior: proration, metadata: noted } = each
    phases.push(newPhase(world, { items, start: from, end, duration, proration, metadata: noted, currency }))
  }
  return phases
}

function requireLive(world: StripeWorld, id: string | undefined, verb: string): SubscriptionSchedule {
  const found = requireSchedule(world, id)
  if (found.status === 'active' || found.status === 'not_started') return found
  throw invalidRequest(
    `You cannot ${verb} a subscription schedule that is currently in the \`${found.status}\` status. It must be \`not_started\` or \`active\`.`,
  )
}
