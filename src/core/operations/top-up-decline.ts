import type { BillingContext } from '../context.js'
import { dedupeOf, fingerprintOf } from '../domain/ledger/key.js'
import type { PaymentOutcome } from '../domain/payment-outcome.js'
import type { AnyProvider } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { submit } from './steps.js'

/** How many automatic top-ups in a row may be declined before they are ended: banks fine who goes on trying. */
export const declinesBeforeStopped = 3

type NotPaid = Extract<PaymentOutcome, { status: 'declined' | 'requires_action' }>

const mark = 'top_up:'

/** What the sales of automatic top-ups have in common: how many were declined in a row before. */
export function topUpMark(declines: number): string {
  return `${mark}${declines}`
}

export function isTopUp({ fingerprint }: CheckoutIntent): boolean {
  return fingerprint.startsWith(mark)
}

/** How many in a row were declined before this one. */
export function declinesBefore({ fingerprint }: CheckoutIntent): number {
  return Number(fingerprint.slice(mark.length))
}

/** Tells that a top-up was not paid and what the customer has to do, and ends them after too many in a row. */
export async function closeTopUp(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  outcome: NotPaid,
): Promise<void> {
  const declines = declinesBefore(intent) + 1
  const { id, accountId, package: offer } = intent
  const isAsked = outcome.status === 'requires_action' || outcome.reason === 'authentication_required'
  const message = isAsked ? 'The bank wants the customer to confirm the payment.' : outcome.message
  await ctx.store.outbox.publish({
    id: `evt_${id}_failed`,
    type: 'top_up.failed',
    accountId,
    occurredAt: ctx.environment.now(),
    data: {
      topUpId: id,
      provider: provider.id,
      package: offer,
      reason: isAsked ? 'authentication_required' : outcome.reason,
      message,
      remedy: remedyOf(outcome),
      declinesInARow: declines,
    },
  })
  if (declines >= declinesBeforeStopped) await stopTopUps(ctx, { accountId, cause: id, reason: 'declined' })
  ctx.wake()
}

/** Ends the account's automatic top-ups until they are set again, and says so. */
export async function stopTopUps(
  ctx: BillingContext,
  { accountId, cause, reason }: { readonly accountId: string; readonly cause: string; readonly reason: string },
): Promise<void> {
  await submit(ctx, {
    kind: 'change_terms',
    accountId,
    id: ctx.newId('ent'),
    key: `top_up:${cause}`,
    dedupe: dedupeOf(accountId, 'stop_auto_top_up', cause),
    fingerprint: fingerprintOf({ cause }),
    zone: undefined,
    terms: undefined,
    autoTopUp: null,
    reason: `automatic top-up: ${reason}`,
  })
  await ctx.store.outbox.publish({
    id: `evt_${cause}_stopped`,
    type: 'top_up.stopped',
    accountId,
    occurredAt: ctx.environment.now(),
    data: { reason },
  })
}

/** What has to be done: pay on a page, where the bank can ask; leave another payment method; or nothing, since it may work later. */
function remedyOf(outcome: NotPaid): 'pay_on_page' | 'update_payment_method' | 'none' {
  if (outcome.status === 'requires_action') return 'pay_on_page'
  switch (outcome.reason) {
    case 'authentication_required':
      return 'pay_on_page'
    case 'try_again':
      return 'none'
    default:
      return 'update_payment_method'
  }
}
