import * as z from 'zod'
import type { Catalog, PackageName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { fingerprintOf } from '../domain/ledger/key.js'
import type { PaymentOutcome } from '../domain/payment-outcome.js'
import { checkRedirect } from '../domain/redirect.js'
import { BillingError } from '../errors.js'
import type { CheckoutStatus } from '../ports/capabilities/checkout.js'
import { chargedStatus, chargeSale } from './charge-sale.js'
import { createCheckout } from './checkout.js'
import { accountId, given, idempotencyKey, idField, parse } from './fields.js'
import { priceOf } from './sale.js'
import { requireAccount } from './steps.js'

/** Which package to buy, and how it is paid. */
export type PurchasePackageInput<C extends Catalog = Catalog> = {
  readonly accountId: string
  readonly package: PackageName<C>
  /** How many: 1 to 1000. Default 1. */
  readonly quantity?: number
  readonly idempotencyKey: string
} & (
  | {
      /** On a hosted page, where the customer comes back from as after a checkout. */
      readonly payWith?: 'page'
      readonly successUrl: string
      readonly cancelUrl: string
      readonly promotionCodes?: boolean
      /** Who sells it, of those of `providers.checkout`; default the first. */
      readonly provider?: string
    }
  | {
      /** At once, with a payment method that the account has left. */
      readonly payWith: 'stored_method'
      /** Default: the account's default one. */
      readonly paymentMethodId?: string
      /**
       * Where the customer comes back to when the bank wants the payment confirmed: a path, or an address at an allowed origin. Default
       * `/`. `null`: nobody is there to confirm it, and it has failed then; so it is where no `redirects` are configured.
       */
      readonly returnUrl?: string | null
    }
)

/** A purchase as it stands after the call. */
export interface PurchasedPackage {
  /** Our id, for `verifyCheckout`. */
  readonly id: string
  readonly provider: string
  readonly status: CheckoutStatus
  /** What came of charging a stored method; `null` for a page. */
  readonly payment: PaymentOutcome | null
  /**
   * What the customer has to do next: pay on this page, or confirm there what is charged to a stored method (`open` until then). `null`
   * when there is nothing to do. `manual`: pay the invoice as the instructions say, then `payments.submitManual`.
   */
  readonly nextAction:
    | { readonly kind: 'redirect'; readonly url: string; readonly expiresAt: Date | null }
    | { readonly kind: 'manual'; readonly invoiceId: string; readonly instructions: string; readonly url: string }
    | null
}

const fields = { accountId, package: z.string(), quantity: z.unknown().optional(), idempotencyKey }
const schema = z.discriminatedUnion('payWith', [
  z.strictObject({
    ...fields,
    payWith: z.literal('page').optional(),
    successUrl: given('successUrl'),
    cancelUrl: given('cancelUrl'),
    promotionCodes: z.boolean().optional(),
    provider: z.string().optional(),
  }),
  z.strictObject({
    ...fields,
    payWith: z.literal('stored_method'),
    paymentMethodId: idField('paymentMethodId').optional(),
    returnUrl: z.unknown().optional(),
  }),
])

/**
 * Buys a credit package: on a hosted page, or at once with a stored payment method. Idempotent by `idempotencyKey`: a purchase is
 * charged once, and a repeat answers how it stands. A decline is an answer and no error; another try needs another key.
 *
 * @throws BillingError `not_found` (account or package), `invalid_quantity`, `amount_out_of_range`, `idempotency_conflict`,
 * `capability_missing`, `redirect_not_allowed`, `invalid_url`, `outcome_unknown` (call again with the same key), and for a page those of
 * `createCheckout`
 */
export async function purchasePackage<C extends Catalog>(
  ctx: BillingContext,
  input: PurchasePackageInput<C>,
): Promise<PurchasedPackage> {
  const request = parse(schema, input)
  if (request.payWith === 'stored_method') return charge(ctx, request)
  const { payWith: _, quantity, ...rest } = request
  const sale = { ...rest, kind: 'package', ...(quantity === undefined ? {} : { quantity }) }
  const page = await createCheckout(ctx, sale as Parameters<typeof createCheckout>[1])
  const { id, provider, url, expiresAt, instructions, externalId: invoiceId } = page
  const nextAction =
    instructions === null
      ? ({ kind: 'redirect', url, expiresAt } as const)
      : ({ kind: 'manual', invoiceId, instructions, url } as const)
  return { id, provider, status: 'open', payment: null, nextAction }
}

async function charge(
  ctx: BillingContext,
  request: Extract<z.output<typeof schema>, { payWith: 'stored_method' }>,
): Promise<PurchasedPackage> {
  const provider = ctx.roles.payers.find(({ payments }) => payments.charge)
  if (!provider) throw new BillingError('capability_missing', 'No provider of payments charges stored payment methods.')
  const sale = priceOf(ctx, provider.id, { kind: 'package', package: request.package, quantity: request.quantity })
  const returnUrl = returnUrlOf(ctx, request.returnUrl)
  await requireAccount(ctx, request.accountId)
  const paymentMethodId = request.paymentMethodId ?? null
  const { title, sparks, amount } = sale
  const sold = { package: request.package, sparks, currency: amount.currency, nanos: amount.nanos }
  const fingerprint = fingerprintOf({ provider: provider.id, charges: paymentMethodId, ...sold })
  const { intent } = await ctx.store.intents.open({
    id: ctx.newId('chk'),
    accountId: request.accountId,
    provider: provider.id,
    kind: 'package',
    sparks,
    plan: null,
    package: request.package,
    currency: amount.currency,
    amountNanos: amount.nanos,
    successUrl: '',
    cancelUrl: '',
    key: `key:${request.idempotencyKey}`,
    fingerprint,
  })
  if (intent.fingerprint !== fingerprint)
    throw new BillingError('idempotency_conflict', `Key ${request.idempotencyKey} was used before for another sale.`)
  const payment = await chargeSale(ctx, provider, intent, { title, paymentMethodId, returnUrl })
  const url = payment.status === 'requires_action' ? payment.url : null
  const nextAction = url === null ? null : ({ kind: 'redirect', url, expiresAt: null } as const)
  return { id: intent.id, provider: provider.id, status: chargedStatus(payment), payment, nextAction }
}

function returnUrlOf({ origins }: BillingContext, given: unknown): string | null {
  if (given === null || (given === undefined && !origins)) return null
  if (origins) return checkRedirect(given ?? '/', origins, 'returnUrl')
  throw new BillingError('config_invalid', 'Set redirects.allowedOrigins to use returnUrl.')
}
