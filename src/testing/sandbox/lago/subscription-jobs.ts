import type { LagoJob } from './jobs.js'
import { billChange, billEnd, billPeriods, billStart, openPeriod } from './subscription-billing.js'
import { activate, type LagoSubscription, pendingUnder, subscriptions, terminate } from './subscriptions.js'
import type { LagoWorld } from './world.js'

const minuteMs = 60_000

/** Lago activates every five minutes and looks at the ends of periods every hour. What is late is dated as it should have been. */
export const subscriptionJobs: readonly LagoJob[] = [
  { name: 'activate_subscriptions', everyMs: 5 * minuteMs, run: activateDue },
  { name: 'terminate_ended_subscriptions', everyMs: 60 * minuteMs, run: terminateEnded },
  { name: 'bill_subscriptions', everyMs: 60 * minuteMs, run: billDue },
]

function activateDue(world: LagoWorld): void {
  for (const each of [...subscriptions(world).values()]) {
    if (each.status !== 'pending' || each.previousId !== null || each.subscriptionAtMs > world.now()) continue
    billStart(world, activate(world, each, each.subscriptionAtMs), each.subscriptionAtMs)
  }
}

function terminateEnded(world: LagoWorld): void {
  for (const each of [...subscriptions(world).values()]) {
    if (each.status !== 'active' || each.endingAtMs === null || each.endingAtMs > world.now()) continue
    billPeriods(world, each, each.endingAtMs - 1)
    billEnd(world, terminate(world, each, each.endingAtMs), each.endingAtMs)
  }
}

/** Periods that have ended are billed. A lower plan begins when the period ends in which it was asked for. */
function billDue(world: LagoWorld): void {
  const waiting = [...subscriptions(world).values()].filter(({ status }) => status === 'active')
  for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) {
    const next = following(world, each)
    if (next !== undefined) billPeriods(world, each, next.createdAtMs)
    const end = next === undefined ? undefined : openPeriod(world, each)?.endsAt
    if (next === undefined || end === undefined || end > world.now()) {
      billPeriods(world, each, world.now())
      continue
    }
    const ended = terminate(world, each, end)
    const begun = activate(world, next, end)
    billChange(world, ended, begun, end)
    waiting.unshift(begun)
  }
}

function following(world: LagoWorld, active: LagoSubscription): LagoSubscription | undefined {
  const next = pendingUnder(world, active.external_id)
  return next?.previousId === active.lago_id ? next : undefined
}
