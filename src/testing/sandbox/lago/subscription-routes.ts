import * as z from 'zod'
import { customerOf, ensureCurrency } from './customers.js'
import { invalid, notFound } from './errors.js'
import { planOf, shownPlan, yearlyAmount } from './plans.js'
import { noBody, paged, route, wrapped } from './route.js'
import { billChange, billEnd, billLater, billStart } from './subscription-billing.js'
import {
  activate,
  activeUnder,
  cancelPending,
  emitSubscription,
  type LagoSubscription,
  newSubscription,
  pendingUnder,
  shownSubscription,
  startOfDay,
  subscriptions,
  subscriptionsUnder,
  terminate,
} from './subscriptions.js'
import type { LagoWorld } from './world.js'

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

const subscriptionShape = z.object({
  external_customer_id: z.string().min(1),
  plan_code: z.string().min(1),
  external_id: z.string().min(1),
  name: z.string().nullish(),
  billing_time: z.enum(['calendar', 'anniversary']).default('calendar'),
  subscription_at: time.nullish(),
  ending_at: time.nullish(),
})

const changeShape = z.object({ name: z.string().nullish(), ending_at: time.nullish(), subscription_at: time.nullish() })

export const subscriptionRoutes = [
  route('POST /subscriptions', wrapped('subscription', subscriptionShape), ({ world, body }) =>
    answer(world, subscribe(world, body.subscription)),
  ),
  route('GET /subscriptions', noBody, ({ world, query }) => list(world, query, query.get('external_customer_id'))),
  route('GET /customers/:customer/subscriptions', noBody, ({ world, path, query }) =>
    list(world, query, customerOf(world, path.customer ?? '').external_id),
  ),
  route('GET /subscriptions/:id', noBody, ({ world, path, query }) =>
    answer(world, find(world, path.id ?? '', query.get('status') ?? 'active')),
  ),
  route('PUT /subscriptions/:id', wrapped('subscription', changeShape), ({ world, path, query, body }) => {
    const before = find(world, path.id ?? '', query.get('status') ?? 'active')
    const { name, ending_at: endingAt } = body.subscription
    if (typeof endingAt === 'number' && endingAt <= world.now()) throw invalid({ ending_at: ['invalid_date'] })
    const after = {
      ...before,
      ...(name === undefined ? {} : { name }),
      ...(endingAt === undefined ? {} : { endingAtMs: endingAt }),
    }
    subscriptions(world).put(after.lago_id, after)
    emitSubscription(world, 'subscription.updated', after)
    return answer(world, after)
  }),
  route('DELETE /subscriptions/:id', noBody, ({ world, path, query }) => {
    const status = query.get('status') ?? 'active'
    const found = find(world, path.id ?? '', status)
    if (found.status === 'pending') {
      const canceled = cancelPending(world, found)
      return { subscription: shownSubscription(world, canceled) }
    }
    const pending = pendingUnder(world, found.external_id)
    if (pending !== undefined) cancelPending(world, pending)
    const ended = terminate(world, found, world.now())
    billEnd(world, ended, world.now(), {
      invoice: query.get('on_termination_invoice') !== 'skip',
      creditNote: query.get('on_termination_credit_note') !== 'skip',
    })
    return { subscription: shownSubscription(world, ended) }
  }),
]

/**
 * A plan for an external id: a new subscription; or, where one is active under it, the same again, an upgrade at once (as much or more
 * a year), or a downgrade with the end of its period.
 */
function subscribe(world: LagoWorld, given: z.output<typeof subscriptionShape>): LagoSubscription {
  const customer = customerOf(world, given.external_customer_id)
  const plan = planOf(world, given.plan_code)
  const active = activeUnder(world, given.external_id)
  if (active !== undefined && active.external_customer_id !== customer.external_id)
    throw invalid({ external_id: ['value_already_exist'] })
  ensureCurrency(world, customer, plan.amount_currency)
  if (active === undefined) return begin(world, given)
  if (active.plan_code === plan.code) return active
  const pending = pendingUnder(world, active.external_id)
  if (pending !== undefined) cancelPending(world, pending)
  const following = {
    external_id: active.external_id,
    external_customer_id: active.external_customer_id,
    plan_code: plan.code,
    name: given.name ?? active.name,
    billing_time: active.billing_time,
    subscriptionAtMs: active.subscriptionAtMs,
    previousId: active.lago_id,
  }
  if (yearlyAmount(plan) < yearlyAmount(planOf(world, active.plan_code))) {
    newSubscription(world, { ...following, status: 'pending' })
    emitSubscription(world, 'subscription.updated', active)
    return active
  }
  const now = world.now()
  const next = newSubscription(world, { ...following, status: 'pending' })
  const ended = terminate(world, active, now)
  const begun = activate(world, next, now)
  billChange(world, ended, begun, now)
  return begun
}

function begin(world: LagoWorld, given: z.output<typeof subscriptionShape>): LagoSubscription {
  const now = world.now()
  const at = given.subscription_at ?? now
  const waiting = pendingUnder(world, given.external_id)
  if (waiting !== undefined) {
    // Its plan may change until it begins.
    const after = { ...waiting, plan_code: given.plan_code }
    subscriptions(world).put(after.lago_id, after)
    return after
  }
  const subscription = newSubscription(world, {
    external_id: given.external_id,
    external_customer_id: given.external_customer_id,
    plan_code: given.plan_code,
    name: given.name ?? null,
    billing_time: given.billing_time,
    subscriptionAtMs: at,
    endingAtMs: given.ending_at ?? null,
    status: 'pending',
  })
  // One that lies in the past has begun then.
  if (at > now) return subscription
  const begun = activate(world, subscription, at)
  if (startOfDay(at) === startOfDay(now)) billStart(world, begun, at)
  else billLater(world, begun)
  return begun
}

function find(world: LagoWorld, externalId: string, status: string): LagoSubscription {
  const found = [...subscriptionsUnder(world, externalId)].reverse().find((each) => each.status === status)
  if (found === undefined) throw notFound('subscription')
  return found
}

function list(world: LagoWorld, query: URLSearchParams, customerId: string | null) {
  const statuses = query.getAll('status[]')
  const plan = query.get('plan_code')
  const rows = [...subscriptions(world).values()].reverse().filter(
    (each) =>
      // Without a status those that are active are meant.
      (statuses.length === 0 ? ['active'] : statuses).includes(each.status) &&
      (customerId === null || each.external_customer_id === customerId) &&
      (plan === null || each.plan_code === plan),
  )
  return paged(
    'subscriptions',
    rows.map((each) => shownSubscription(world, each)),
    query,
  )
}

function answer(world: LagoWorld, subscription: LagoSubscription) {
  const plan = shownPlan(world, planOf(world, subscription.plan_code))
  return { subscription: { ...shownSubscription(world, subscription), plan } }
}
