import type { DueKind, DueWork } from './due.js'
import { expirePendingUpdate } from './subscription-change.js'
import { expireSubscription } from './subscription-dunning.js'
import { subscriptions } from './subscription-object.js'
import { announceRenewal } from './subscription-preview.js'
import { finalizeRenewal, renewSubscription, retryInvoice } from './subscription-renewal.js'
import { schedules } from './subscription-schedule-object.js'
import { startSchedule } from './subscription-schedule-routes.js'
import { advanceSchedule } from './subscription-schedules.js'
import { announceTrialEnd, endSubscription, updateSubscription } from './subscriptions.js'
import type { StripeWorld } from './world.js'

type Duty = (world: StripeWorld, work: DueWork) => void

/** What happens to subscriptions by itself. */
export const subscriptionDuties = {
  renew_subscription: (world, { target }) => renewSubscription(world, target),
  announce_renewal: (world, { target }) => announceRenewal(world, target),
  announce_trial_end: (world, { target }) => announceTrialEnd(world, target),
  cancel_subscription: (world, { target }) => {
    const before = subscriptions(world).get(target)
    if (before !== undefined) endSubscription(world, before)
  },
  expire_subscription: (world, { target }) => expireSubscription(world, target),
  expire_pending_update: (world, { target }) => expirePendingUpdate(world, target),
  resume_collection: (world, { target }) => {
    const before = subscriptions(world).get(target)
    if (before !== undefined) updateSubscription(world, before, { pause_collection: null })
  },
  finalize_renewal: (world, { target }) => finalizeRenewal(world, target),
  advance_schedule: (world, { target }) => {
    const before = schedules(world).get(target)
    if (before?.status === 'not_started') startSchedule(world, before)
    else advanceSchedule(world, target)
  },
  retry_invoice: (world, { target }) => retryInvoice(world, target),
} satisfies Partial<Record<DueKind, Duty>>
