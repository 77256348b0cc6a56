import type { BillingContext } from '../context.js'
import { providerOf } from '../delivery/destination.js'
import { BillingError } from '../errors.js'
import type { RefusedUsage } from '../ports/capabilities/webhooks.js'
import type { AnyProvider } from '../ports/provider.js'

/**
 * Parks usage that a provider took and could not count afterwards. It names some reports as examples: the others are found by
 * `reconcile`, and are told of as an error.
 *
 * @throws BillingError `invalid_state`, to be tried again, for a report that is still being sent
 */
export async function parkRefused(
  ctx: BillingContext,
  provider: AnyProvider,
  { count, reasons, identifiers }: RefusedUsage,
  cause: string,
): Promise<void> {
  const reason = `${provider.id} could not count it: ${reasons.join(', ')}`
  const found = await Promise.all([...new Set(identifiers)].map((id) => parkReport(ctx, provider, id, reason)))
  const named = found.filter((isOurs) => isOurs).length
  if (named > 0) ctx.wake()
  if (count <= named) return
  const message = `${provider.id} could not count ${count} reports of usage (${reasons.join(', ')}); it named ${named} of them, which are parked. reconcile() finds the others.`
  ctx.environment.onError(
    new BillingError('provider_rejected', message, { details: { count, reasons, identifiers } }),
    cause,
  )
}

/** @returns whether the report is ours */
async function parkReport(ctx: BillingContext, provider: AnyProvider, id: string, reason: string): Promise<boolean> {
  const accountId = await ctx.store.directory.accountByDelivery(id)
  const delivery = accountId === null ? null : await ctx.store.outbox.delivery(accountId, id)
  if (accountId === null || !delivery || providerOf(delivery.destination) !== provider.id) return false
  if (delivery.status === 'pending')
    throw new BillingError('invalid_state', `Report ${id} is still being sent.`, { retryable: true })
  const event = {
    id: `evt_refused_${id}`,
    type: 'delivery.parked' as const,
    accountId,
    occurredAt: ctx.environment.now(),
    data: { deliveryId: id, destination: delivery.destination, status: 'parked', reason },
  }
  await ctx.store.outbox.restate(accountId, { ids: [id], from: ['delivered'], to: 'parked', error: reason, event })
  return true
}
