import type { Instant } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'
import type { Subscription, SubscriptionsCapability } from '../../core/ports/capabilities/subscriptions.js'
import type { Archive } from './archive.js'
import { type KeptInvoice, periodOf, subscriptionIdOf } from './invoice.js'

export type ManualSubscriptionVerbs = Required<Pick<SubscriptionsCapability, 'get' | 'list' | 'cancel'>>

/** An invoice that sold a plan and is paid is a subscription, which ends with the interval that was paid for, or is ended before. */
export function manualSubscriptions(archive: Archive, now: () => Instant): ManualSubscriptionVerbs {
  const found = (invoice: KeptInvoice | null, externalId: string): Subscription => {
    const subscription = invoice && subscriptionOf(invoice, now())
    if (subscription?.externalId === externalId) return subscription
    throw new BillingError('not_found', `There is no subscription ${externalId}.`)
  }
  return {
    async get(externalId) {
      return found(await archive.get<KeptInvoice>('invoice', invoiceIdOf(externalId)), externalId)
    },
    /** It ends with its period by itself. What was paid for the time after an end before it is given back by hand. */
    cancel(externalId, when) {
      return archive.change(async (read) => {
        const invoice = await read<KeptInvoice>('invoice', invoiceIdOf(externalId))
        const answer = found(invoice, externalId)
        if (invoice === null || when === 'period_end' || answer.status === 'canceled') return { answer, writes: [] }
        const ended = { ...invoice, endedAt: now() }
        return { answer: found(ended, externalId), writes: [ended] }
      })
    },
    async list(customerId) {
      const everything = { limit: Number.MAX_SAFE_INTEGER }
      const { items } = await archive.list<KeptInvoice>(
        'invoice',
        customerId,
        everything,
        ({ sells }) => sells !== null,
      )
      return items.map((invoice) => subscriptionOf(invoice, now())).filter((found) => found !== null)
    },
  }
}

function invoiceIdOf(externalId: string): string {
  return externalId.replace(/^sub_/, 'inv_')
}

function subscriptionOf(invoice: KeptInvoice, now: Instant): Subscription | null {
  const { party, sells, intentId } = invoice
  const period = periodOf(invoice)
  const externalId = subscriptionIdOf(invoice)
  if (period === null || externalId === null || sells === null) return null
  const endsAt = Math.min(invoice.endedAt ?? period.endsAt, period.endsAt)
  const isOver = now >= endsAt
  return {
    externalId,
    customerId: party,
    intentId,
    status: isOver ? 'canceled' : 'active',
    plan: sells.plan,
    seats: sells.seats,
    anchor: period.startsAt,
    currentPeriodStartsAt: period.startsAt,
    currentPeriodEndsAt: period.endsAt,
    paidPeriod: period,
    trialStartsAt: null,
    trialEndsAt: null,
    cancelsAtPeriodEnd: true,
    canceledAt: invoice.endedAt ?? null,
    endedAt: isOver ? endsAt : null,
    scheduled: null,
    // It is there from when it is paid.
    createdAt: period.startsAt,
  }
}
