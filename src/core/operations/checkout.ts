import * as z from 'zod'
import type { Catalog, LifetimePlanName, PackageName, SeatPlanName, SubscriptionPlanName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { fingerprintOf } from '../domain/ledger/key.js'
import { checkRedirect } from '../domain/redirect.js'
import { BillingError } from '../errors.js'
import type { CheckoutPage, CheckoutRequest, CheckoutSession, CheckoutStatus } from '../ports/capabilities/checkout.js'
import type { Subscription } from '../ports/capabilities/subscriptions.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { refuseOwned, refuseSecond } from './adopt-plan.js'
import { arrangeBeforeSale } from './collection.js'
import { ensureCustomer } from './customers.js'
import { dateOf } from './date.js'
import { accountId, given, idempotencyKey, parse } from './fields.js'
import { settleCheckout } from './fulfilment.js'
import { priceOf, type Sale } from './sale.js'
import { requireAccount } from './steps.js'
import { checkoutProvider } from './verify-checkout.js'

/** Whom to sell to, and where the customer goes afterwards. */
export interface CheckoutReturn {
  readonly accountId: string
  /** Where the customer returns after paying: a path, or an address at an allowed origin. `checkout=<id>` is added to it. */
  readonly successUrl: string
  /** Where the customer returns without paying; `checkout=<id>` is added to it too. */
  readonly cancelUrl: string
  /**
   * Without one, a second call for the same sale answers the page that is still open, so a double click gives one session, and makes
   * another page once that one was used or is over. With one, there is never more than one page: when it was used or is over, a repeat
   * is refused with `invalid_state`, whose details have the checkout's id and status.
   */
  readonly idempotencyKey?: string
  /** Whether the customer may enter a promotion code of the provider's on the page. Default false. */
  readonly promotionCodes?: boolean
  /** Who sells it, of those of `providers.checkout`; default the first. */
  readonly provider?: string
}

/** What to sell: credits for an amount of money (above 0, at most 1000), a credit package, a plan; or nothing, for a payment method. */
export type CreateCheckoutInput<C extends Catalog = Catalog> = CheckoutReturn &
  (
    | { readonly kind: 'credits'; readonly amount: string }
    | { readonly kind: 'package'; readonly package: PackageName<C>; readonly quantity?: number }
    | { readonly kind: 'subscription'; readonly plan: SubscriptionPlanName<C>; readonly seats?: undefined }
    | { readonly kind: 'subscription'; readonly plan: SeatPlanName<C>; readonly seats?: number }
    | { readonly kind: 'lifetime'; readonly plan: LifetimePlanName<C> }
    | { readonly kind: 'setup' }
  )

/** A hosted page to pay on. */
export interface CreatedCheckout {
  /** Our id, to verify it by. */
  readonly id: string
  readonly url: string
  readonly provider: string
  readonly externalId: string
  readonly expiresAt: Date | null
  /** What the customer has to do to pay, where that is not done on a page; `externalId` is then the invoice. */
  readonly instructions: string | null
}

const returnFields = {
  accountId,
  successUrl: given('successUrl'),
  cancelUrl: given('cancelUrl'),
  idempotencyKey: idempotencyKey.optional(),
  promotionCodes: z.boolean().default(false),
  provider: z.string().optional(),
}
const requestSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...returnFields, kind: z.literal('credits'), amount: given('amount') }),
  z.strictObject({
    ...returnFields,
    kind: z.literal('package'),
    package: z.string(),
    quantity: z.unknown().optional(),
  }),
  z.strictObject({ ...returnFields, kind: z.literal('subscription'), plan: z.string(), seats: z.unknown().optional() }),
  z.strictObject({ ...returnFields, kind: z.literal('lifetime'), plan: z.string() }),
  z.strictObject({ ...returnFields, kind: z.literal('setup') }),
])

/**
 * Creates a hosted page to pay on. The sale is written first and the provider is called with its id as key, so that a repeat after
 * a failure leads to the same page. A page is handed out again only while the provider says that it can be paid on; if it was paid
 * meanwhile, what it sold is given first.
 *
 * @throws BillingError `not_found` (account, package or plan), `redirect_not_allowed`, `invalid_url`, `invalid_amount`,
 * `invalid_request` (`provider` does not sell here), `invalid_quantity`, `amount_out_of_range`, `unknown_field`, `idempotency_conflict`, `invalid_state` (the key's checkout was used or
 * is over), `subscription_exists` (the account has one, or is paying for one: changes are made in the portal), `capability_missing`
 * (a plan, and the provider has no `subscriptions`), `checkout_mismatch` (an equal sale was paid, but not as sold), and the provider's: `provider_unavailable`, `outcome_unknown` (call again with
 * the same key) and others
 */
export async function createCheckout<C extends Catalog>(
  ctx: BillingContext,
  input: CreateCheckoutInput<C>,
): Promise<CreatedCheckout> {
  const request = parse(requestSchema, input)
  const provider = checkoutProvider(ctx, request.provider)
  if (!ctx.origins) throw new BillingError('config_invalid', 'Set redirects.allowedOrigins to use checkout.')
  const successUrl = checkRedirect(request.successUrl, ctx.origins, 'successUrl')
  const cancelUrl = checkRedirect(request.cancelUrl, ctx.origins, 'cancelUrl')
  const wanted = priceOf(ctx, provider.id, request)
  await requireAccount(ctx, request.accountId)
  const had = request.kind === 'subscription' ? await subscriptionsOf(ctx, provider, request.accountId) : []
  const sale = withoutSecondTrial(had, wanted)

  const { promotionCodes } = request
  const fingerprint = fingerprintOf({ provider: provider.id, successUrl, cancelUrl, promotionCodes, ...saleBody(sale) })
  const key = request.idempotencyKey === undefined ? null : `key:${request.idempotencyKey}`
  const latest = await ctx.store.intents.latest(request.accountId, fingerprint)
  const known = latest && (key === null || key === latest.key) ? await standingOf(ctx, provider, latest) : null
  if (known?.page) {
    // A page of what is bought already, which could not be closed then, is not handed out again.
    if (request.kind === 'subscription') refuseSecond(request.accountId, had, null)
    if (request.kind === 'lifetime') await refuseOwned(ctx, request.accountId, request.plan)
    return known.page
  }
  if (latest && known && key !== null && known.status !== 'unsent') throw usedKey(latest, known)
  if (request.kind === 'subscription') {
    // An equal sale may have led to a subscription while it was looked at.
    const subscriptions = known === null ? had : await subscriptionsOf(ctx, provider, request.accountId)
    refuseSecond(request.accountId, subscriptions, known?.status === 'processing' ? known : null)
  }
  if (request.kind === 'lifetime') await refuseOwned(ctx, request.accountId, request.plan)

  const { intent } = await ctx.store.intents.open({
    id: ctx.newId('chk'),
    accountId: request.accountId,
    provider: provider.id,
    kind: request.kind,
    sparks: sale.sparks,
    plan: sale.plan,
    package: sale.package,
    currency: sale.amount.currency,
    amountNanos: sale.amount.nanos,
    successUrl,
    cancelUrl,
    // Without a key of the caller's: that of the latest equal sale until its page is used or over, then one that follows from it.
    key: key ?? (latest && known?.status === 'unsent' ? latest.key : `auto:${fingerprint}:${latest?.id ?? 'first'}`),
    fingerprint,
  })
  if (intent.fingerprint !== fingerprint) {
    throw new BillingError(
      'idempotency_conflict',
      `Key ${request.idempotencyKey} was used before for another checkout.`,
    )
  }
  const standing = await standingOf(ctx, provider, intent)
  if (standing.page) return standing.page
  if (standing.status !== 'unsent') throw usedKey(intent, standing)
  const page = await openSession(ctx, provider, intent, { ...sale, promotionCodes })
  await closeIfSold(ctx, provider, intent, page)
  return page
}

/** What was bought on another page while this one was made could not close it. @throws BillingError `subscription_exists`, `invalid_state` */
async function closeIfSold(
  ctx: BillingContext,
  provider: AnyProvider,
  { accountId, kind, plan, createdAt }: CheckoutIntent,
  page: CreatedCheckout,
): Promise<void> {
  if (kind !== 'subscription' && kind !== 'lifetime') return
  const sales = await ctx.store.intents.completed(accountId, kind)
  if (!sales.some(({ completedAt }) => (completedAt ?? 0) >= createdAt)) return
  try {
    if (kind === 'subscription') refuseSecond(accountId, await subscriptionsOf(ctx, provider, accountId), null)
    else await refuseOwned(ctx, accountId, plan ?? '')
  } catch (error) {
    const closed = await provider.checkout?.expire?.(page.externalId, {})
    if (closed?.status === 'expired') await ctx.store.intents.update(accountId, page.id, { status: 'expired' })
    throw error
  }
}

function saleBody({ title, amount, sparks, package: offer, plan, subscribes }: Sale) {
  const { price, seats, trialDays } = subscribes ?? {}
  const terms = price && {
    seats,
    trialDays,
    interval: price.interval,
    seatNanos: price.amount.nanos,
    overage: price.overage,
  }
  return { title, currency: amount.currency, nanos: amount.nanos, sparks, package: offer, plan, ...terms }
}

async function subscriptionsOf(
  ctx: BillingContext,
  provider: AnyProvider,
  accountId: string,
): Promise<readonly Subscription[]> {
  requireCapability(provider, 'subscriptions')
  // One that another seller has is one too many all the same.
  const found: Subscription[] = []
  for (const { id, subscriptions } of [provider, ...ctx.roles.sellers.filter((seller) => seller.id !== provider.id)]) {
    const customerId = subscriptions ? await ctx.store.accounts.externalId(accountId, id) : null
    if (subscriptions && customerId !== null) found.push(...(await subscriptions.list(customerId, {})))
  }
  return found
}

/** A trial is for whoever subscribes for the first time. */
function withoutSecondTrial(had: readonly Subscription[], sale: Sale): Sale {
  if (!sale.subscribes || sale.subscribes.trialDays === 0) return sale
  if (!had.some(({ plan, status }) => plan !== null && status !== 'pending')) return sale
  const { price, seats } = sale.subscribes
  const amount = { currency: price.amount.currency, nanos: price.amount.nanos * BigInt(seats) }
  return { ...sale, amount, subscribes: { price, seats, trialDays: 0 } }
}

/** How a sale stands: `unsent` has no page yet, and `page` is there while it can be paid on. */
interface Standing {
  readonly status: CheckoutStatus | 'mismatched' | 'unsent'
  readonly page: CreatedCheckout | null
  readonly subscriptionId: string | null
}

async function standingOf(ctx: BillingContext, provider: AnyProvider, intent: CheckoutIntent): Promise<Standing> {
  const closed = { page: null, subscriptionId: null }
  if (intent.status === 'completed') return { status: 'paid', ...closed }
  if (intent.status === 'expired' || intent.status === 'mismatched') return { status: intent.status, ...closed }
  if (intent.externalId === null) return { status: 'unsent', ...closed }
  const session = await requireCapability(provider, 'checkout').get(intent.externalId, {})
  const status = await settleCheckout(ctx, provider, intent, session)
  const url = session.url ?? intent.url
  const page = status === 'open' && url !== null ? created(intent, session, url) : null
  return { status, page, subscriptionId: session.subscriptionId }
}

function usedKey({ id }: CheckoutIntent, { status }: Standing): BillingError {
  const message = `Checkout ${id} of this key is ${status}: verify it, or use another key for another checkout.`
  return new BillingError('invalid_state', message, { details: { checkoutId: id, status } })
}

/** The address with the id of the checkout: whoever comes back, paid or not, can be told how it stands. */
function naming(address: string, checkoutId: string): string {
  const url = new URL(address)
  url.searchParams.set('checkout', checkoutId)
  return url.href
}

async function openSession(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  sale: Sale & { readonly promotionCodes: boolean },
): Promise<CreatedCheckout> {
  const customerId = await ensureCustomer(ctx, provider, intent.accountId)
  const page = {
    intentId: intent.id,
    accountId: intent.accountId,
    customerId,
    successUrl: naming(intent.successUrl, intent.id),
    cancelUrl: naming(intent.cancelUrl, intent.id),
    promotionCodes: sale.promotionCodes,
  }
  const checkout = requireCapability(provider, 'checkout')
  if (sale.subscribes && sale.subscribes.price.overage.length > 0)
    await arrangeBeforeSale(ctx, provider.id, intent.accountId)
  const session: CheckoutSession = await checkout.create(sessionRequest(page, intent, sale), {
    // After a customer that was deleted it is another request.
    idempotencyKey: `${intent.id}:${customerId}`,
  })
  if (session.url === null)
    throw new BillingError('provider_response_invalid', `${provider.id} answered a checkout without an address.`)
  const change = {
    status: 'pending',
    externalId: session.externalId,
    url: session.url,
    expiresAt: session.expiresAt,
  } as const
  const known = await ctx.store.intents.update(intent.accountId, intent.id, change)
  return created(known, session, session.url)
}

function sessionRequest(page: CheckoutPage, { kind, currency }: CheckoutIntent, sale: Sale): CheckoutRequest {
  if (kind === 'setup') return { ...page, mode: 'setup', currency }
  if (sale.subscribes) return { ...page, mode: 'subscription', ...sale.subscribes }
  return { ...page, mode: 'payment', title: sale.title, amount: sale.amount }
}

function created(intent: CheckoutIntent, { externalId, instructions }: CheckoutSession, url: string): CreatedCheckout {
  const expiresAt = dateOf(intent.expiresAt)
  return { id: intent.id, url, provider: intent.provider, externalId, expiresAt, instructions: instructions ?? null }
}
