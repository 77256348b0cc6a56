import * as z from 'zod'
import { intervalOf, plusInterval } from './billing-cycle.js'
import { customers } from './customers.js'
import { type DueKind, type DueWork, schedule, unschedule } from './due.js'
import { invalidRequest, notFound } from './errors.js'
import { emit } from './events.js'
import { count, paging, text } from './form.js'
import { listPage, noParameters, route } from './route.js'
import { hasEnded, subscriptions } from './subscription-object.js'
import { endSubscription } from './subscriptions.js'
import { type TestClock, testClocks } from './test-clocks.js'
import { newId, type StripeWorld, seconds } from './world.js'

const lifeDays = 30

export const testClockRoutes = [
  route(
    'POST /v1/test_helpers/test_clocks',
    z.strictObject({ frozen_time: count, name: text.max(300).optional() }),
    ({ world, params }) => {
      const now = seconds(world)
      const clock: TestClock = {
        id: newId('clock_1', 23),
        object: 'test_helpers.test_clock',
        created: now,
        deletes_after: now + lifeDays * 86_400,
        frozen_time: params.frozen_time,
        livemode: false,
        name: params.name ?? null,
        status: 'ready',
        status_details: {},
      }
      schedule(world, { kind: 'delete_clock', target: clock.id, dueAtMs: clock.deletes_after * 1000 })
      return save(world, clock, 'test_helpers.test_clock.created')
    },
  ),
  route('GET /v1/test_helpers/test_clocks', z.strictObject({ ...paging }), ({ world, params }) =>
    listPage('/v1/test_helpers/test_clocks', testClocks(world).values(), params),
  ),
  route('GET /v1/test_helpers/test_clocks/:id', noParameters, ({ world, path }) => requireClock(world, path.id)),
  // Answers at once with `advancing`; what falls due on the way is done afterwards.
  route(
    'POST /v1/test_helpers/test_clocks/:id/advance',
    z.strictObject({ frozen_time: count }),
    ({ world, path, params }) => {
      const before = requireClock(world, path.id)
      if (before.status === 'advancing') {
        throw invalidRequest('The test clock is still advancing. Wait until its status is `ready`.', {
          code: 'test_clock_advancing',
        })
      }
      if (params.frozen_time <= before.frozen_time) {
        throw invalidRequest('frozen_time must be later than the current time of the test clock.', {
          param: 'frozen_time',
        })
      }
      checkReach(world, before, params.frozen_time)
      const details = { advancing: { target_frozen_time: params.frozen_time } }
      schedule(world, { kind: 'advance_clock', target: before.id, dueAtMs: world.now() })
      return save(
        world,
        { ...before, status: 'advancing', status_details: details },
        'test_helpers.test_clock.advancing',
      )
    },
  ),
  route('DELETE /v1/test_helpers/test_clocks/:id', noParameters, ({ world, path }) => {
    const clock = requireClock(world, path.id)
    deleteClock(world, clock)
    return { id: clock.id, object: clock.object, deleted: true }
  }),
]

export const testClockDuties = {
  advance_clock: (world, { target }) => advance(world, target),
  delete_clock: (world, { target }) => {
    const clock = testClocks(world).get(target)
    if (clock !== undefined) deleteClock(world, clock)
  },
} satisfies Partial<Record<DueKind, (world: StripeWorld, work: DueWork) => void>>

/** At most two intervals at a time, of the subscription that has the shortest. */
function checkReach(world: StripeWorld, { id, frozen_time: from }: TestClock, to: number): void {
  const reaches = [...subscriptions(world).values()]
    .filter((subscription) => subscription.test_clock === id && !hasEnded(subscription))
    .flatMap(({ items }) => items.data.map(({ price }) => intervalOf(price)))
    .map(({ interval, interval_count: step }) => plusInterval(from, interval, 2 * step))
  if (to <= Math.min(...reaches, plusInterval(from, 'year', 2))) return
  throw invalidRequest(
    "Cannot advance the test clock that far: at most two intervals of the shortest subscription, or two years without one, from the clock's current time.",
    { param: 'frozen_time' },
  )
}

/** The clock stands at its new time; the twin then does what fell due on the way. */
function advance(world: StripeWorld, id: string): void {
  const clock = testClocks(world).get(id)
  const target = clock?.status_details.advancing?.target_frozen_time
  if (clock === undefined || target === undefined) return
  world.catchUp(id, target * 1000)
  const after: TestClock = { ...clock, frozen_time: target, status: 'ready', status_details: {} }
  save(world, after, 'test_helpers.test_clock.ready')
}

/** Its customers go with it, and their subscriptions end. */
function deleteClock(world: StripeWorld, clock: TestClock): void {
  unschedule(world, 'delete_clock', clock.id)
  for (const subscription of [...subscriptions(world).values()]) {
    const live = subscription.status !== 'canceled' && subscription.status !== 'incomplete_expired'
    if (subscription.test_clock === clock.id && live) endSubscription(world, subscription)
  }
  for (const customer of [...customers(world).values()]) {
    if (customer.test_clock === clock.id) customers(world).delete(customer.id)
  }
  testClocks(world).delete(clock.id)
  emit(world, 'test_helpers.test_clock.deleted', clock)
}

function requireClock(world: StripeWorld, id = ''): TestClock {
  const clock = testClocks(world).get(id)
  if (clock === undefined) throw notFound('test_clock', id, 'test_clock')
  return clock
}

function save(world: StripeWorld, clock: TestClock, type: string): TestClock {
  testClocks(world).put(clock.id, clock)
  emit(world, type, clock)
  return clock
}
