import type { LagoJob } from './jobs.js'
import { activate, billingPeriod, pendingUnder, subscriptions, terminate } from './subscriptions.js'
import type { LagoWorld } from './world.js'

const minuteMs = 60_000

/** Lago activates every five minutes and looks at the ends of periods every hour. What is late is dated as it should have been. */
export const subscriptionJobs: readonly LagoJob[] = [
  { name: 'activate_subscriptions', everyMs: 5 * minuteMs, run: activateDue },
  { name: 'terminate_ended_subscriptions', everyMs: 60 * minuteMs, run: terminateEnded },
  { name: 'bill_subscriptions', everyMs: 60 * minuteMs, run: downgradeDue },
]

function activateDue(world: LagoWorld): void {
  for (const each of [...subscriptions(world).values()])
    if (each.status === 'pending' && each.previousId === null && each.subscriptionAtMs <= world.now())
      activate(world, each, each.subscriptionAtMs)
}

function terminateEnded(world: LagoWorld): void {
  for (const each of [...subscriptions(world).values()])
    if (each.status === 'active' && each.endingAtMs !== null && each.endingAtMs <= world.now())
      terminate(world, each, each.endingAtMs)
}

/** A lower plan begins when the period ends in which it was asked for. */
function downgradeDue(world: LagoWorld): void {
  for (const each of [...subscriptions(world).values()]) {
    const next = each.status === 'active' ? pendingUnder(world, each.external_id) : undefined
    if (next === undefined || next.previousId !== each.lago_id) continue
    const { endsAt } = billingPeriod(world, each, next.createdAtMs)
    if (endsAt > world.now()) continue
    terminate(world, each, endsAt)
    activate(world, next, endsAt)
  }
}
