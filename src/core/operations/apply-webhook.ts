import type { BillingContext } from '../context.js'
import { isStorable } from '../domain/storable-text.js'
import { BillingError } from '../errors.js'
import type { WebhookSubject } from '../ports/capabilities/webhooks.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import type { ClaimedInboxEvent } from '../ports/store.js'
import { followInvoice } from './follow-invoice.js'
import { followPayment } from './follow-payment.js'
import { followSubscriptions } from './follow-subscriptions.js'
import { fulfilCheckout } from './fulfilment.js'
import { forgetCustomer } from './gone-customer.js'
import { parkRefused } from './park-refused.js'
import { type PeriodEnd, periodOver } from './period-end.js'

/** What an event is applied with. */
interface Applying {
  readonly provider: AnyProvider
  /** Names the event in what it causes. */
  readonly cause: string
  readonly signal: AbortSignal
}

/**
 * Does what an event calls for. It is a hint: the object it points at is read again and its state is followed, so events may come in
 * any order, late and repeatedly.
 *
 * @throws BillingError of the provider or the store, to be tried again
 */
export async function applyWebhook(ctx: BillingContext, event: ClaimedInboxEvent, signal: AbortSignal): Promise<void> {
  const provider = ctx.roles.all.get(event.provider)
  if (provider && event.type === periodOver)
    return applyPeriodEnd(ctx, JSON.parse(event.payload), { provider, cause: `period:${event.eventId}`, signal })
  if (!provider?.webhooks)
    throw new BillingError('capability_missing', `Provider ${event.provider} is not configured here.`)
  const subject = await provider.webhooks.interpret(event, { signal })
  if (!Object.values(subject).every((value) => typeof value !== 'string' || isStorable(value)))
    throw new BillingError('webhook_payload_invalid', 'The webhook names something by text that nothing is kept under.')
  await applySubject(ctx, subject, { provider, cause: `webhook:${provider.id}:${event.eventId}`, signal })
}

async function applySubject(ctx: BillingContext, subject: WebhookSubject, applying: Applying): Promise<void> {
  const { provider, cause, signal } = applying
  switch (subject.kind) {
    case 'checkout':
      return applyCheckout(ctx, subject.externalId, applying)
    case 'subscription': {
      const { customerId } = await requireCapability(provider, 'subscriptions').get(subject.externalId, { signal })
      return followSubscriptions(ctx, provider, customerId, cause)
    }
    case 'invoice':
      return followInvoice(ctx, provider, subject.externalId, { cause, signal })
    case 'payment':
      return followPayment(ctx, provider, subject.externalId, { cause, signal })
    case 'payment_method': {
      const { customerId } = subject
      const accountId = await ctx.store.directory.accountByExternalId(provider.id, customerId)
      if (accountId === null) return
      const occurredAt = ctx.environment.now()
      const data = { provider: provider.id, customerId }
      await ctx.store.outbox.publish({
        id: `evt_${cause}`,
        type: 'payment_method.updated',
        accountId,
        occurredAt,
        data,
      })
      return ctx.wake()
    }
    case 'customer_gone':
      return forgetCustomer(ctx, provider, subject.customerId, cause)
    case 'usage_refused':
      return parkRefused(ctx, provider, subject.refused, cause)
    case 'ignored':
      return
  }
}

async function applyCheckout(ctx: BillingContext, externalId: string, { provider, signal }: Applying): Promise<void> {
  const session = await requireCapability(provider, 'checkout').get(externalId, { signal })
  // The event can arrive before our own call has returned: then the sale is found by the id we gave along.
  const intent =
    (await ctx.store.directory.intentByExternalId(provider.id, session.externalId)) ??
    (session.intentId === null ? null : await ctx.store.directory.intentById(session.intentId))
  if (intent?.provider === provider.id) await fulfilCheckout(ctx, provider, intent, session)
}

/**
 * A period is over by the store's clock. @throws BillingError `provider_unavailable` while it goes on by the provider's: to be tried again
 */
async function applyPeriodEnd(
  ctx: BillingContext,
  { customerId, subscriptionId, endsAt }: PeriodEnd,
  { provider, cause, signal }: Applying,
): Promise<void> {
  await followSubscriptions(ctx, provider, customerId, cause)
  const subscriptions = await requireCapability(provider, 'subscriptions').list(customerId, { signal })
  const own = subscriptions.find(({ externalId }) => externalId === subscriptionId)
  if (own?.status !== 'active' || own.currentPeriodEndsAt !== endsAt) return
  const message = `The period of ${subscriptionId} is over, and ${provider.id} does not know of it yet.`
  throw new BillingError('provider_unavailable', message)
}
