import { schedule as plan, unschedule } from './due.js'
import { invalidRequest, notFound } from './errors.js'
import { emit } from './events.js'
import { planOf, prices } from './prices.js'
import { applyChange, planChange } from './subscription-change.js'
import {
  hasEnded,
  isMetered,
  newItem,
  type Subscription,
  type SubscriptionItem,
  subscriptions,
} from './subscription-object.js'
import {
  newPhase,
  newSchedule,
  type SchedulePhase,
  type SubscriptionSchedule,
  schedules,
} from './subscription-schedule-object.js'
import { endSubscription, updateSubscription } from './subscriptions.js'
import { type StripeWorld, seconds } from './world.js'

export function requireSchedule(world: StripeWorld, id = ''): SubscriptionSchedule {
  const found = schedules(world).get(id)
  if (found === undefined) throw notFound('subscription_schedule', id, 'schedule')
  return found
}

/** A schedule that goes on with what a subscription is, until its period ends. */
export function scheduleFrom(world: StripeWorld, subscription: Subscription): SubscriptionSchedule {
  if (subscription.schedule !== null) {
    throw invalidRequest(
      `You cannot migrate a subscription that is already attached to a schedule: \`${subscription.schedule}\`.`,
      { param: 'from_subscription' },
    )
  }
  if (hasEnded(subscription)) {
    throw invalidRequest('You cannot migrate a subscription that is canceled.', { param: 'from_subscription' })
  }
  const items = subscription.items.data
  const phase = newPhase(world, {
    items: items.map(({ price, quantity }) => ({ price: price.id, quantity })),
    start: Math.max(...items.map((item) => item.current_period_start)),
    end: Math.min(...items.map((item) => item.current_period_end)),
    currency: subscription.currency,
  })
  const made = newSchedule(world, subscription.customer, [phase], 'release', {
    status: 'active',
    subscription: subscription.id,
  })
  updateSubscription(world, subscription, { schedule: made.id })
  return saveSchedule(world, made, 'subscription_schedule.created')
}

/** Keeps a schedule, tells of it, and puts down when its phase ends. */
export function saveSchedule(world: StripeWorld, made: SubscriptionSchedule, type: string): SubscriptionSchedule {
  schedules(world).put(made.id, made)
  unschedule(world, 'advance_schedule', made.id)
  const next = made.status === 'active' ? made.current_phase?.end_date : made.phases[0]?.start_date
  if ((made.status === 'active' || made.status === 'not_started') && next !== undefined) {
    plan(world, { kind: 'advance_schedule', target: made.id, dueAtMs: next * 1000 })
  }
  emit(world, type, made)
  return made
}

/** Steps into the phase that begins now, where that is not the subscription's renewal as well. */
export function advanceSchedule(world: StripeWorld, id: string): void {
  const before = schedules(world).get(id)
  const subscription = subscriptions(world).get(before?.subscription ?? '')
  if (before?.status !== 'active' || subscription === undefined || hasEnded(subscription)) return
  // The renewal at this very moment takes the step itself.
  if (subscription.items.data.some((item) => item.current_period_end <= seconds(world))) return
  const phase = enterNextPhase(world, before)
  const current = subscriptions(world).get(subscription.id) ?? subscription
  if (phase === undefined || hasEnded(current)) return
  const change = planChange(world, current, {
    items: [
      ...current.items.data.map(({ id: item }, index) => {
        const wanted = phase.items[index]
        return wanted === undefined ? { id: item, deleted: true } : { id: item, ...wantedOf(world, wanted) }
      }),
      ...phase.items.slice(current.items.data.length).map((wanted) => wantedOf(world, wanted)),
    ],
    prorationBehavior: phase.proration_behavior,
  })
  applyChange(world, current, change, 'allow_incomplete', metadataOf(current, phase))
}

/** The items a renewal goes on with: those of the next phase, if one begins. */
export function itemsAtRenewal(world: StripeWorld, subscription: Subscription): readonly SubscriptionItem[] {
  const own = schedules(world).get(subscription.schedule ?? '')
  const items = subscription.items.data
  if (own?.status !== 'active' || (own.current_phase?.end_date ?? 0) > seconds(world)) return items
  const phase = enterNextPhase(world, own)
  if (phase === undefined) return items
  return phase.items.map(({ price: id, quantity = 1 }, index) => {
    const price = prices(world).get(id)
    const old = items[index]
    if (price === undefined)
      throw invalidRequest(`No such price: '${id}'`, { code: 'resource_missing', param: 'price' })
    if (old === undefined) {
      const at = seconds(world)
      return newItem(world, subscription.id, { price, quantity }, { current_period_start: at, current_period_end: at })
    }
    const { quantity: _, ...rest } = old
    return { ...rest, price, plan: planOf(price), ...(isMetered(price) ? {} : { quantity }) }
  })
}

/** Leaves the subscription to itself. */
export function releaseSchedule(world: StripeWorld, before: SubscriptionSchedule): SubscriptionSchedule {
  const subscription = subscriptions(world).get(before.subscription ?? '')
  if (subscription !== undefined) updateSubscription(world, subscription, { schedule: null })
  return saveSchedule(
    world,
    {
      ...before,
      status: 'released',
      released_at: seconds(world),
      released_subscription: before.subscription,
      subscription: null,
      current_phase: null,
    },
    'subscription_schedule.released',
  )
}

function enterNextPhase(world: StripeWorld, before: SubscriptionSchedule): SchedulePhase | undefined {
  const now = seconds(world)
  const phase = before.phases.find(({ start_date: start, end_date: end }) => start <= now && end > now)
  if (phase !== undefined) {
    const current_phase = { start_date: phase.start_date, end_date: phase.end_date }
    saveSchedule(world, { ...before, current_phase }, 'subscription_schedule.updated')
    return phase
  }
  if (before.end_behavior === 'release') {
    releaseSchedule(world, before)
    return undefined
  }
  saveSchedule(
    world,
    { ...before, status: 'completed', completed_at: now, current_phase: null },
    'subscription_schedule.completed',
  )
  const subscription = subscriptions(world).get(before.subscription ?? '')
  if (subscription !== undefined && !hasEnded(subscription)) endSubscription(world, subscription)
  return undefined
}

function wantedOf(world: StripeWorld, item: SchedulePhase['items'][number]) {
  const price = prices(world).get(item.price)
  return price !== undefined && isMetered(price)
    ? { price: item.price }
    : { price: item.price, quantity: item.quantity }
}

function metadataOf(subscription: Subscription, phase: SchedulePhase): Partial<Subscription> {
  return phase.metadata === null ? {} : { metadata: { ...subscription.metadata, ...phase.metadata } }
}
