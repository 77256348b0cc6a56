import type { Period } from '../../../core/domain/period.js'
import { creditUnused } from './credit-notes.js'
import type { BilledPart } from './invoice-fees.js'
import { invoiceParts } from './invoice-making.js'
import { planOf } from './plans.js'
import { billingPeriod, type LagoSubscription } from './subscriptions.js'
import { type LagoWorld, tableOf } from './world.js'

/** The period of a subscription that goes on: what was used in it is billed when it ends. */
const openPeriods = tableOf<Period>('open_periods')

/** Begins to bill a subscription: the first period is paid at once where the plan is paid in advance. */
export function billStart(world: LagoWorld, subscription: LagoSubscription, atMs: number): void {
  const part = startPart(world, subscription, atMs)
  if (part !== null) invoiceParts(world, [part], atMs)
}

/** One that began on an earlier day is billed from the next period on: Lago bills nothing of the past. */
export function billLater(world: LagoWorld, subscription: LagoSubscription): void {
  openPeriods(world).put(subscription.lago_id, billingPeriod(world, subscription, world.now()))
}

/** Bills the periods of a subscription that have ended by a moment. */
export function billPeriods(world: LagoWorld, subscription: LagoSubscription, untilMs: number): void {
  for (let open = openPeriod(world, subscription); open && open.endsAt <= untilMs; ) {
    const next = billingPeriod(world, subscription, open.endsAt)
    const isAdvance = planOf(world, subscription.plan_code).pay_in_advance
    openPeriods(world).put(subscription.lago_id, next)
    invoiceParts(
      world,
      [
        {
          subscriptionId: subscription.lago_id,
          fee: isAdvance ? next : open,
          usage: open,
          reason: 'subscription_periodic',
        },
      ],
      open.endsAt,
    )
    open = next
  }
}

/** The end of the period that goes on, as far as it was billed. */
export function openPeriod(world: LagoWorld, { lago_id: id }: LagoSubscription): Period | undefined {
  return openPeriods(world).get(id)
}

/** Bills the rest of a subscription that has ended. What was paid in advance and not had comes back as a credit note. */
export function billEnd(
  world: LagoWorld,
  ended: LagoSubscription,
  atMs: number,
  terms: { readonly invoice: boolean; readonly creditNote: boolean } = { invoice: true, creditNote: true },
): void {
  const part = endPart(world, ended, atMs, { isUpgrade: false, creditNote: terms.creditNote })
  if (part !== null && terms.invoice) invoiceParts(world, [part], atMs)
}

/** Bills that one takes the place of another, on one invoice. */
export function billChange(world: LagoWorld, ended: LagoSubscription, begun: LagoSubscription, atMs: number): void {
  const parts = [
    endPart(world, ended, atMs, { isUpgrade: true, creditNote: true }),
    startPart(world, begun, atMs),
  ].filter((part) => part !== null)
  if (parts.length > 0) invoiceParts(world, parts, atMs)
}

function startPart(world: LagoWorld, subscription: LagoSubscription, atMs: number): BilledPart | null {
  const period = billingPeriod(world, subscription, atMs)
  openPeriods(world).put(subscription.lago_id, period)
  if (!planOf(world, subscription.plan_code).pay_in_advance) return null
  return { subscriptionId: subscription.lago_id, fee: period, usage: null, reason: 'subscription_starting' }
}

function endPart(
  world: LagoWorld,
  ended: LagoSubscription,
  atMs: number,
  terms: { readonly isUpgrade: boolean; readonly creditNote: boolean },
): BilledPart | null {
  const open = openPeriod(world, ended)
  if (open === undefined) return null
  openPeriods(world).delete(ended.lago_id)
  const had = { startsAt: open.startsAt, endsAt: Math.min(atMs, open.endsAt) }
  const isAdvance = planOf(world, ended.plan_code).pay_in_advance
  if (isAdvance && terms.creditNote && atMs < open.endsAt)
    creditUnused(world, ended, { startsAt: atMs, endsAt: open.endsAt }, terms.isUpgrade)
  return {
    subscriptionId: ended.lago_id,
    fee: isAdvance ? null : had,
    usage: had,
    reason: 'subscription_terminating',
  }
}
