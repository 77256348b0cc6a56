import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { balanceOf } from '../domain/ledger/draft.js'
import type { Balance } from '../domain/ledger/outcome.js'
import { formatMoney } from '../domain/money.js'
import { BillingError } from '../errors.js'
import type { CheckoutStatus } from '../ports/capabilities/checkout.js'
import type { AnyProvider } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { accountId, idField, parse } from './fields.js'
import { namedProvider } from './named-provider.js'
import { settleSale } from './sale-session.js'

/** How a checkout stands. */
export interface VerifiedCheckout {
  readonly id: string
  /**
   * `processing`: done by the customer, money or subscription not there yet; `failed`: the money did not come, and another checkout
   * can be made.
   */
  readonly status: CheckoutStatus
  readonly kind: CheckoutIntent['kind']
  readonly amount: string
  readonly currency: string
  /** Micro-sparks it gives. */
  readonly sparks: bigint
  readonly plan: string | null
  readonly balance: Balance
}

const verifyCheckoutSchema = z.strictObject({
  accountId,
  checkoutId: idField('checkoutId').optional(),
  sessionId: idField('sessionId').optional(),
})

/**
 * Answers the true status of a checkout, read from the provider, and gives what was paid for if that has not been done yet. The
 * webhook does the same; whichever comes first, it happens once.
 *
 * @throws BillingError `not_found`, `checkout_mismatch` (paid amount, currency or customer are not those of the sale: nothing is given),
 * `capability_missing` (the provider it was sold through is not configured any more)
 */
export async function verifyCheckout(
  ctx: BillingContext,
  input:
    | { readonly accountId: string; readonly checkoutId: string }
    | { readonly accountId: string; readonly sessionId: string },
): Promise<VerifiedCheckout> {
  const request = parse(verifyCheckoutSchema, input)
  if ((request.checkoutId === undefined) === (request.sessionId === undefined))
    throw new BillingError('invalid_request', 'Give either a checkoutId or a sessionId.')
  const intent =
    request.checkoutId !== undefined
      ? await ctx.store.intents.get(request.accountId, request.checkoutId)
      : await intentOfSession(ctx, request.sessionId ?? '')
  if (intent?.accountId !== request.accountId)
    throw new BillingError('not_found', `No such checkout on account ${request.accountId}.`)
  const status = await standingOf(ctx, intent)
  const snapshot = await ctx.store.ledger.snapshot(request.accountId)
  if (!snapshot) throw new BillingError('not_found', `No account ${request.accountId}.`)
  return {
    id: intent.id,
    status,
    kind: intent.kind,
    amount: formatMoney({ currency: intent.currency, nanos: intent.amountNanos }),
    currency: intent.currency,
    sparks: intent.sparks,
    plan: intent.plan,
    balance: balanceOf(snapshot.account),
  }
}

/** Who sells: the first that is configured, or the one that is named. @throws BillingError `capability_missing`, `invalid_request` */
export function checkoutProvider(ctx: BillingContext, name?: string): AnyProvider {
  return namedProvider(ctx.roles.sellers, name, 'checkout')
}

async function intentOfSession(ctx: BillingContext, sessionId: string): Promise<CheckoutIntent | null> {
  for (const { id } of ctx.roles.sellers) {
    const intent = await ctx.store.directory.intentByExternalId(id, sessionId)
    if (intent) return intent
  }
  return null
}

async function standingOf(ctx: BillingContext, intent: CheckoutIntent): Promise<CheckoutStatus> {
  const { externalId } = intent
  if (externalId === null) return intent.status === 'expired' ? 'failed' : 'open'
  const provider = ctx.roles.all.get(intent.provider)
  if (!provider)
    throw new BillingError(
      'capability_missing',
      `Checkout ${intent.id} was made at ${intent.provider}, which is not configured here.`,
    )
  return settleSale(ctx, provider, intent, externalId)
}
