import * as z from 'zod'
import { type Catalog, type PackageName, type PlanName, sparksFor } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { balanceOf } from '../domain/ledger/draft.js'
import { fingerprintOf } from '../domain/ledger/key.js'
import type { Balance } from '../domain/ledger/outcome.js'
import { compareMoney, formatMoney, type Money, parseMoney } from '../domain/money.js'
import type { Interval } from '../domain/period.js'
import { checkRedirect } from '../domain/redirect.js'
import { maximumStored } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import type { CheckoutSession, CheckoutStatus } from '../ports/capabilities/checkout.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import type { CheckoutIntent } from '../ports/store.js'
import { ensureCustomer } from './customers.js'
import { accountId, given, idempotencyKey, idField, parse, quoted } from './fields.js'
import { fulfilCheckout } from './fulfilment.js'
import { requireAccount } from './steps.js'

/** Whom to sell to, and where the customer goes afterwards. */
export interface CheckoutReturn {
  readonly accountId: string
  /** Where the customer returns after paying: a path, or an address at an allowed origin. `checkout=<id>` is added to it. */
  readonly successUrl: string
  readonly cancelUrl: string
  /** Without one, a second call for the same sale answers the page that is still open: a double click gives one session. */
  readonly idempotencyKey?: string
}

/** What to sell: a credit package, credits for an amount of money (above 0, at most 1000), or a plan. */
export type CreateCheckoutInput<C extends Catalog = Catalog> = CheckoutReturn &
  (
    | { readonly kind: 'credits'; readonly package: PackageName<C>; readonly quantity?: number }
    | { readonly kind: 'credits'; readonly amount: string }
    | { readonly kind: 'subscription'; readonly plan: PlanName<C> }
  )

/** A hosted page to pay on. */
export interface CreatedCheckout {
  /** Our id, to verify it by. */
  readonly id: string
  readonly url: string
  readonly provider: string
  readonly externalId: string
  readonly expiresAt: Date | null
}

const returnFields = {
  accountId,
  successUrl: given('successUrl'),
  cancelUrl: given('cancelUrl'),
  idempotencyKey: idempotencyKey.optional(),
}
const schemas = {
  package: z.strictObject({
    ...returnFields,
    kind: z.literal('credits'),
    package: z.string(),
    quantity: z.unknown().optional(),
  }),
  amount: z.strictObject({ ...returnFields, kind: z.literal('credits'), amount: given('amount') }),
  subscription: z.strictObject({ ...returnFields, kind: z.literal('subscription'), plan: z.string() }),
}
const anySchema = z.looseObject({ kind: z.enum(['credits', 'subscription'], 'must be "credits" or "subscription"') })

/**
 * Creates a hosted page to pay on. The sale is written first and the provider is called with its id as key, so that a repeat after
 * a failure leads to the same page.
 *
 * @throws BillingError `not_found` (account, package or plan), `redirect_not_allowed`, `invalid_url`, `invalid_amount`,
 * `invalid_quantity`, `amount_out_of_range`, `unknown_field`, `idempotency_conflict`, and the provider's: `provider_unavailable`,
 * `outcome_unknown` (call again with the same key) and others
 */
export async function createCheckout<C extends Catalog>(
  ctx: BillingContext,
  input: CreateCheckoutInput<C>,
): Promise<CreatedCheckout> {
  const sold = parse(anySchema, input)
  const forCredits = 'package' in sold ? schemas.package : schemas.amount
  const schema = sold.kind === 'subscription' ? schemas.subscription : forCredits
  const request: z.output<(typeof schemas)[keyof typeof schemas]> = parse<
    z.output<(typeof schemas)[keyof typeof schemas]>
  >(schema, input)
  const provider = checkoutProvider(ctx)
  if (!ctx.origins) throw new BillingError('config_invalid', 'Set redirects.allowedOrigins to use checkout.')
  const successUrl = checkRedirect(request.successUrl, ctx.origins, 'successUrl')
  const cancelUrl = checkRedirect(request.cancelUrl, ctx.origins, 'cancelUrl')
  const sale = priceOf(ctx, request)
  await requireAccount(ctx, request.accountId)

  const fingerprint = fingerprintOf({ provider: provider.id, successUrl, cancelUrl, ...saleBody(sale) })
  const key =
    request.idempotencyKey === undefined
      ? await sharedKey(ctx, request.accountId, fingerprint)
      : `key:${request.idempotencyKey}`
  const id = ctx.newId('chk')
  const { intent } = await ctx.store.intents.open({
    id,
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
    key,
    fingerprint,
  })
  if (intent.fingerprint !== fingerprint) {
    throw new BillingError(
      'idempotency_conflict',
      `Key ${request.idempotencyKey} was used before for another checkout.`,
    )
  }
  if (intent.url !== null && intent.externalId !== null) return created(intent, intent.externalId, intent.url)
  return openSession(ctx, provider, intent, sale)
}

/** How a checkout stands. */
export interface VerifiedCheckout {
  readonly id: string
  /** `processing`: done by the customer, money not there yet; `failed`: it did not come, and another checkout can be made. */
  readonly status: CheckoutStatus
  readonly kind: CheckoutIntent['kind']
  readonly amount: string
  readonly currency: string
  /** Micro-sparks it gives. */
  readonly sparks: bigint
  readonly plan: string | null
  readonly balance: Balance
}

/**
 * Answers the true status of a checkout, read from the provider, and gives what was paid for if that has not been done yet. The
 * webhook does the same; whichever comes first, it happens once.
 *
 * @throws BillingError `not_found`, `checkout_mismatch` (paid amount, currency or customer are not those of the sale: nothing is given)
 */
export async function verifyCheckout(
  ctx: BillingContext,
  input:
    | { readonly accountId: string; readonly checkoutId: string }
    | { readonly accountId: string; readonly sessionId: string },
): Promise<VerifiedCheckout> {
  const request = parse(
    z.strictObject({
      accountId,
      checkoutId: idField('checkoutId').optional(),
      sessionId: idField('sessionId').optional(),
    }),
    input,
  )
  if ((request.checkoutId === undefined) === (request.sessionId === undefined))
    throw new BillingError('invalid_request', 'Give either a checkoutId or a sessionId.')
  const provider = checkoutProvider(ctx)
  const intent =
    request.checkoutId !== undefined
      ? await ctx.store.intents.get(request.accountId, request.checkoutId)
      : await ctx.store.directory.intentByExternalId(provider.id, request.sessionId ?? '')
  if (intent?.accountId !== request.accountId)
    throw new BillingError('not_found', `No such checkout on account ${request.accountId}.`)
  const seller = ctx.roles.all.get(intent.provider) ?? provider
  const session =
    intent.externalId === null ? null : await requireCapability(seller, 'checkout').get(intent.externalId, {})
  const status = session ? await fulfilCheckout(ctx, seller, intent, session) : 'open'
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

function checkoutProvider(ctx: BillingContext): AnyProvider {
  if (ctx.roles.checkout) return ctx.roles.checkout
  throw new BillingError('capability_missing', 'No provider plays the part of checkout.')
}

interface Sale {
  readonly title: string
  readonly amount: Money
  readonly sparks: bigint
  readonly package: string | null
  readonly plan: string | null
  readonly interval: Interval | null
}

type CheckoutBody = z.output<(typeof schemas)[keyof typeof schemas]>

function priceOf(ctx: BillingContext, request: CheckoutBody): Sale {
  if (request.kind === 'subscription') {
    const plan = ctx.catalog.plans.get(request.plan)
    if (!plan) throw new BillingError('not_found', `The catalog has no plan ${quoted(request.plan)}.`)
    if (!plan.price)
      throw new BillingError('invalid_request', `Plan ${plan.name} has no price: there is nothing to check out.`)
    return {
      title: plan.title,
      amount: plan.price.amount,
      sparks: 0n,
      package: null,
      plan: plan.name,
      interval: plan.price.interval,
    }
  }
  if ('package' in request) {
    const offer = ctx.catalog.packages.get(request.package)
    if (!offer) throw new BillingError('not_found', `The catalog has no package ${quoted(request.package)}.`)
    const count = packageCount(request.quantity)
    const title = count === 1n ? offer.title : `${count} × ${offer.title}`
    const amount = { currency: offer.price.currency, nanos: offer.price.nanos * count }
    const sparks = offer.sparks * count
    if (amount.nanos > maximumStored || sparks > maximumStored)
      throw new BillingError('amount_out_of_range', `${title} is more than can be stored: sell fewer at once.`)
    return { title, amount, sparks, package: offer.name, plan: null, interval: null }
  }
  const { currency } = ctx.catalog
  if (typeof request.amount !== 'string' || request.amount.length > 60)
    throw new BillingError('invalid_amount', `amount must be decimal text in ${currency}, such as "10".`)
  const amount = parseMoney(request.amount, currency)
  const most = parseMoney('1000', currency)
  if (amount.nanos <= 0n) throw new BillingError('invalid_amount', 'amount must be above zero.')
  if (compareMoney(amount, most) > 0)
    throw new BillingError('amount_out_of_range', `amount must be at most 1000 ${currency}.`)
  return {
    title: 'Credits',
    amount,
    sparks: sparksFor(ctx.catalog, amount.nanos),
    package: null,
    plan: null,
    interval: null,
  }
}

function packageCount(value: unknown): bigint {
  if (value === undefined) return 1n
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new BillingError('invalid_quantity', 'quantity must be a whole number of packages, at least 1.')
  }
  if (value > 1_000) throw new BillingError('amount_out_of_range', 'quantity must be at most 1000 packages.')
  return BigInt(value)
}

function saleBody({ title, amount, sparks, package: offer, plan, interval }: Sale) {
  return { title, currency: amount.currency, nanos: amount.nanos, sparks, package: offer, plan, interval }
}

/** The key of callers who gave none: the same until the page of the latest equal sale is paid or over. */
async function sharedKey(ctx: BillingContext, account: string, fingerprint: string): Promise<string> {
  const latest = await ctx.store.intents.latest(account, fingerprint)
  const isLive = latest && (latest.status === 'open' || latest.status === 'pending')
  const isCurrent = isLive && (latest.expiresAt === null || latest.expiresAt > ctx.environment.now())
  return isCurrent ? latest.key : `auto:${fingerprint}:${latest?.id ?? 'first'}`
}

async function openSession(
  ctx: BillingContext,
  provider: AnyProvider,
  intent: CheckoutIntent,
  sale: Sale,
): Promise<CreatedCheckout> {
  const customerId = await ensureCustomer(ctx, provider, intent.accountId)
  const success = new URL(intent.successUrl)
  success.searchParams.set('checkout', intent.id)
  const session: CheckoutSession = await requireCapability(provider, 'checkout').create(
    {
      intentId: intent.id,
      accountId: intent.accountId,
      customerId,
      mode: intent.kind === 'subscription' ? 'subscription' : 'payment',
      title: sale.title,
      amount: sale.amount,
      interval: sale.interval,
      plan: sale.plan,
      successUrl: success.href,
      cancelUrl: intent.cancelUrl,
    },
    { idempotencyKey: intent.id },
  )
  if (session.url === null)
    throw new BillingError('provider_response_invalid', `${provider.id} answered a checkout without an address.`)
  const change = {
    status: 'pending',
    externalId: session.externalId,
    url: session.url,
    expiresAt: session.expiresAt,
  } as const
  const known = await ctx.store.intents.update(intent.accountId, intent.id, change)
  return created(known, session.externalId, session.url)
}

function created(intent: CheckoutIntent, externalId: string, url: string): CreatedCheckout {
  const expiresAt = intent.expiresAt === null ? null : new Date(intent.expiresAt)
  return { id: intent.id, url, provider: intent.provider, externalId, expiresAt }
}
