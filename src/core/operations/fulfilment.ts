import type { BillingContext } from '../context.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import { formatSparks } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import type { CheckoutSession, CheckoutStatus } from '../ports/capabilities/checkout.js'
import type { AnyProvider } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { submit } from './steps.js'
import { followSubscription } from './subscriptions.js'

/**
 * Gives what a checkout sold, if it is paid: one function for webhook, redirect and repetition. The grant's key is the checkout's,
 * so a crash between the grant and the mark on the sale is harmless.
 *
 * @throws BillingError `checkout_mismatch`
 */
export async function fulfilCheckout(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  session: CheckoutSession,
): Promise<CheckoutStatus> {
  // Either way the page is over, and the next checkout of the same sale must get another one.
  if (session.status === 'expired' || session.status === 'failed')
    await ctx.store.intents.update(intent.accountId, intent.id, { status: 'expired' })
  if (session.status !== 'paid' || intent.status === 'completed') return session.status
  await checkMatch(ctx, provider, intent, session)

  if (intent.kind === 'credits') await grantPurchase(ctx, intent)
  else if (session.customerId !== null)
    await followSubscription(ctx, provider, session.customerId, `checkout:${intent.id}`)
  await ctx.store.intents.update(intent.accountId, intent.id, { status: 'completed', externalId: session.externalId })
  await ctx.store.outbox.publish({
    id: `evt_${intent.id}`,
    type: 'checkout.completed',
    accountId: intent.accountId,
    occurredAt: ctx.environment.now(),
    data: { checkoutId: intent.id, kind: intent.kind, sparks: formatSparks(intent.sparks), plan: intent.plan },
  })
  ctx.wake()
  return session.status
}

async function grantPurchase(ctx: BillingContext, intent: CheckoutIntent): Promise<void> {
  const key = `checkout:${intent.id}`
  await submit(ctx, {
    kind: 'grant',
    accountId: intent.accountId,
    id: ctx.newId('grt'),
    key,
    dedupe: dedupeOf('grant', key),
    fingerprint: fingerprintOf({ checkout: intent.id, sparks: intent.sparks }),
    amount: intent.sparks,
    grantKind: 'paid',
    priority: 0,
    expiresAt: null,
    reason: intent.package === null ? 'purchase' : `purchase of ${intent.package}`,
  })
}

/** Paid amount, currency and customer must be those of the sale; otherwise nothing is given and somebody has to look. */
async function checkMatch(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  session: CheckoutSession,
): Promise<void> {
  const customer = await ctx.store.accounts.externalId(intent.accountId, provider.id)
  const differs =
    session.amount?.currency !== intent.currency ||
    session.amount.nanos !== intent.amountNanos ||
    (customer !== null && session.customerId !== customer) ||
    (intent.externalId !== null && session.externalId !== intent.externalId)
  if (!differs) return
  await ctx.store.intents.update(intent.accountId, intent.id, { status: 'mismatched' })
  await ctx.store.outbox.publish({
    id: `evt_mismatch_${intent.id}`,
    type: 'checkout.mismatched',
    accountId: intent.accountId,
    occurredAt: ctx.environment.now(),
    data: { checkoutId: intent.id },
  })
  throw new BillingError(
    'checkout_mismatch',
    `Checkout ${intent.id}: what was paid is not what was sold; nothing was given.`,
    {
      details: { checkoutId: intent.id },
    },
  )
}
