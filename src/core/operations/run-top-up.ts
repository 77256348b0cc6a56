import type { BillingContext } from '../context.js'
import type { BillingEvent } from '../domain/event.js'
import { balanceOf } from '../domain/ledger/draft.js'
import type { CheckoutIntent } from '../ports/store.js'
import { chargeSale } from './charge-sale.js'
import { priceOf } from './sale.js'
import { declinesBefore, declinesBeforeStopped, stopTopUps, topUpMark } from './top-up-decline.js'

/**
 * Buys the package that an account asks for: the sale is written first, then the default payment method is charged for it. One that is
 * under way, or of which nobody knows what became, is brought to its end before another is begun, and an account that has enough by now
 * is left alone.
 *
 * @throws BillingError to be called again with the same event
 */
export async function runTopUp(ctx: BillingContext, event: BillingEvent): Promise<void> {
  const { accountId } = event
  const provider = ctx.roles.payers.find(({ payments }) => payments.charge)
  if (!provider) return
  const before = await newestTopUp(ctx, accountId)
  const isUnderWay = before?.status === 'open' || before?.status === 'pending'
  const intent = isUnderWay ? before : await openTopUp(ctx, event, provider.id, before)
  if (!intent) return
  // What was begun at a provider ends there.
  const charger = ctx.roles.all.get(intent.provider) ?? provider
  const title = ctx.catalog.packages.get(intent.package ?? '')?.title ?? 'Credits'
  await chargeSale(ctx, charger, intent, {
    title,
    paymentMethodId: null,
    returnUrl: null,
    signal: ctx.lifetime.aborting,
  })
}

/** @returns `null` when the event was answered, nothing is wanted any more, or what is wanted is not sold any more */
async function openTopUp(
  ctx: BillingContext,
  event: BillingEvent,
  provider: string,
  before: CheckoutIntent | undefined,
): Promise<CheckoutIntent | null> {
  const { accountId } = event
  // Begun after the event, it was the answer to it.
  if (before && before.createdAt > event.occurredAt) return null
  const snapshot = await ctx.store.ledger.snapshot(accountId)
  const wanted = snapshot?.account.autoTopUp
  if (!snapshot || !wanted || snapshot.account.suspendedFor !== null) return null
  if (balanceOf(snapshot.account).available >= wanted.threshold) return null
  if (!ctx.catalog.packages.has(wanted.package)) {
    await stopTopUps(ctx, { accountId, cause: event.id, reason: 'package_gone' })
    return null
  }
  const { amount, sparks } = priceOf(ctx, provider, { kind: 'package', package: wanted.package })
  const declines = before?.status === 'expired' ? declinesBefore(before) + 1 : 0
  const { intent } = await ctx.store.intents.open({
    id: ctx.newId('chk'),
    accountId,
    provider,
    kind: 'package',
    sparks,
    plan: null,
    package: wanted.package,
    currency: amount.currency,
    amountNanos: amount.nanos,
    successUrl: '',
    cancelUrl: '',
    // It follows from the one before, so that of two at once both get the same sale.
    key: `top_up:${before?.id ?? 'first'}`,
    // Whoever sets them again after they were ended begins anew.
    fingerprint: topUpMark(declines % declinesBeforeStopped),
  })
  return intent
}

async function newestTopUp(ctx: BillingContext, accountId: string): Promise<CheckoutIntent | undefined> {
  const counts = Array.from({ length: declinesBeforeStopped }, (_, declines) => topUpMark(declines))
  const found = await Promise.all(counts.map((mark) => ctx.store.intents.latest(accountId, mark)))
  return found
    .filter((intent) => intent !== null)
    .sort((left, right) => left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1))
    .at(-1)
}
