import { noSuch } from './errors.js'
import { type StripeWorld, tableOf, worldAt } from './world.js'

/** A time of its own for customers that are put on it. */
export interface TestClock {
  readonly id: string
  readonly object: 'test_helpers.test_clock'
  readonly created: number
  readonly deletes_after: number
  readonly frozen_time: number
  readonly livemode: false
  readonly name: string | null
  readonly status: 'advancing' | 'ready'
  readonly status_details: { readonly advancing?: { readonly target_frozen_time: number } }
}

export const testClocks = tableOf<TestClock>('test_clocks')

/** The world at the time of whatever lives on a test clock; the same world for everything else. */
export function clockOf(world: StripeWorld, owner: { readonly test_clock: string | null }): StripeWorld {
  const clock = owner.test_clock === null ? undefined : testClocks(world).get(owner.test_clock)
  return clock === undefined ? world : worldAt(world, clock.frozen_time * 1000, clock.id)
}

/** The world as a new customer on the named clock sees it. */
export function onTestClock(world: StripeWorld, id: string): StripeWorld {
  const clock = testClocks(world).get(id)
  if (clock === undefined) throw noSuch('test_clock', id, 'test_clock')
  return clockOf(world, { test_clock: clock.id })
}
