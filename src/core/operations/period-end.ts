import type { BillingContext } from '../context.js'
import type { Instant } from '../domain/period.js'
import type { Subscription } from '../ports/capabilities/subscriptions.js'

/** The type of what is put into the inbox here, and which no provider sends. */
export const periodOver = 'billfold.period_over'

/** What is to be looked at when its period is over. */
export interface PeriodEnd {
  readonly customerId: string
  readonly subscriptionId: string
  readonly endsAt: Instant
}

/**
 * A provider that sends no webhooks tells nobody when a period that was paid for is over: its end is put into the inbox, and applied when
 * it comes. Harmless to repeat.
 */
export async function expectPeriodEnd(
  ctx: BillingContext,
  subscription: Subscription & { readonly provider: string },
): Promise<void> {
  const { provider, customerId, externalId: subscriptionId, currentPeriodEndsAt: endsAt } = subscription
  if (endsAt === null || ctx.roles.all.get(provider)?.webhooks) return
  const end: PeriodEnd = { customerId, subscriptionId, endsAt }
  await ctx.store.inbox.accept({
    provider,
    eventId: `${subscriptionId}:${endsAt}`,
    type: periodOver,
    payload: JSON.stringify(end),
    receivedAt: endsAt,
  })
}
