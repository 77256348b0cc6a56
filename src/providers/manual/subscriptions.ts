import type { Instant } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'
import type { Subscription, SubscriptionsCapability } from '../../core/ports/capabilities/subscriptions.js'
import type { Archive } from './archive.js'
import { type KeptInvoice, periodOf, subscriptionIdOf } from './invoice.js'

/** An invoice that sold a plan and is paid is a subscription, which ends with the interval that was paid for. */
export function manualSubscriptions(archive: Archive, now: () => Instant): SubscriptionsCapability {
  return {
    async get(externalId) {
      const invoice = await archive.get<KeptInvoice>('invoice', externalId.replace(/^sub_/, 'inv_'))
      const subscription = invoice && subscriptionOf(invoice, now())
      if (subscription?.externalId === externalId) return subscription
      throw new BillingError('not_found', `There is no subscription ${externalId}.`)
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

function subscriptionOf(invoice: KeptInvoice, now: Instant): Subscription | null {
  const { party, sells, intentId, createdAt } = invoice
  const period = periodOf(invoice)
  const externalId = subscriptionIdOf(invoice)
  if (period === null || externalId === null || sells === null) return null
  const isOver = now >= period.endsAt
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
    canceledAt: null,
    endedAt: isOver ? period.endsAt : null,
    scheduled: null,
    createdAt,
  }
}
