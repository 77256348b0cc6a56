import * as z from 'zod'
import { checkSessionTotal } from './charge-amounts.js'
import { hasTrial, type lineItemData, type SessionRequest, sessionRequest } from './checkout-parameters.js'
import {
  type CheckoutSession,
  checkoutSessions,
  type LineItem,
  lineItems,
  newLineItem,
  newSession,
  planOfSession,
  sessionPlans,
} from './checkout-session.js'
import { discountSession } from './checkout-totals.js'
import { checkCurrency } from './customer-currency.js'
import { requireCustomer } from './customers.js'
import { schedule, unschedule } from './due.js'
import { invalidRequest, missingParameter, noSuch, notFound } from './errors.js'
import { emit } from './events.js'
import { isWithin, mergeMetadata, metadata, paging, text, timeRange, tolerated } from './form.js'
import { createPrice } from './price-routes.js'
import { type Price, prices } from './prices.js'
import { listPage, noParameters, route } from './route.js'
import { createSetupIntent } from './setup-intents.js'
import { isMetered } from './subscription-object.js'
import { requireRates } from './tax-rates.js'
import { type StripeWorld, seconds } from './world.js'

const dayMs = 24 * 60 * 60 * 1000

export const checkoutRoutes = [
  route('POST /v1/checkout/sessions', sessionRequest, ({ world, params }) => createSession(world, params)),
  route(
    'GET /v1/checkout/sessions',
    z.strictObject({
      ...paging,
      customer: text.optional(),
      payment_intent: text.optional(),
      subscription: text.optional(),
      status: z.enum(['open', 'complete', 'expired']).optional(),
      created: timeRange.optional(),
      customer_details: z.strictObject({ email: text }).optional(),
      ...tolerated('customer_account', 'payment_link'),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/checkout/sessions',
        [...checkoutSessions(world).values()].filter(
          (session) =>
            (params.customer === undefined || params.customer === session.customer) &&
            (params.payment_intent === undefined || params.payment_intent === session.payment_intent) &&
            (params.subscription === undefined || params.subscription === session.subscription) &&
            (params.status === undefined || params.status === session.status) &&
            (params.customer_details === undefined ||
              params.customer_details.email === session.customer_details?.email) &&
            isWithin(params.created, session.created),
        ),
        params,
      ),
  ),
  route('GET /v1/checkout/sessions/:id', noParameters, ({ world, path }) => requireSession(world, path.id)),
  route('POST /v1/checkout/sessions/:id', z.strictObject({ metadata }), ({ world, path, params }) => {
    const before = requireSession(world, path.id)
    const after: CheckoutSession = { ...before, metadata: mergeMetadata(before.metadata, params.metadata) }
    checkoutSessions(world).put(after.id, after)
    return after
  }),
  route('POST /v1/checkout/sessions/:id/expire', noParameters, ({ world, path }) => {
    const session = requireSession(world, path.id)
    if (session.status !== 'open') {
      throw invalidRequest(
        `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of "${session.status}".`,
      )
    }
    return expireSession(world, session)
  }),
  route('GET /v1/checkout/sessions/:id/line_items', z.strictObject({ ...paging }), ({ world, path, params }) => {
    const { id } = requireSession(world, path.id)
    // Line items keep the order in which they were given.
    const items = [...(lineItems(world).get(id)?.items ?? [])].reverse()
    return listPage(`/v1/checkout/sessions/${id}/line_items`, items, params)
  }),
]

export function expireSession(world: StripeWorld, session: CheckoutSession): CheckoutSession {
  const expired: CheckoutSession = { ...session, status: 'expired', url: null }
  checkoutSessions(world).put(expired.id, expired)
  unschedule(world, 'expire_session', expired.id)
  emit(world, 'checkout.session.expired', expired)
  return expired
}

function requireSession(world: StripeWorld, id = ''): CheckoutSession {
  const session = checkoutSessions(world).get(id)
  if (session === undefined) throw notFound('checkout.session', id, 'session')
  return session
}

function createSession(world: StripeWorld, given: SessionRequest): CheckoutSession {
  checkAddresses(given)
  if (given.customer !== undefined && given.customer_email !== undefined) {
    throw invalidRequest('You may only specify one of these parameters: customer, customer_email.', {
      param: 'customer',
    })
  }
  if (given.customer !== undefined) requireCustomer(world, given.customer)
  if (given.discounts !== undefined && given.allow_promotion_codes !== undefined) {
    throw invalidRequest('You may only specify one of these parameters: allow_promotion_codes, discounts.', {
      param: 'allow_promotion_codes',
    })
  }
  if (given.mode !== 'subscription' && given.payment_method_collection !== undefined) {
    throw invalidRequest('`payment_method_collection` can only be set in `subscription` mode.', {
      param: 'payment_method_collection',
    })
  }
  const items = chosenItems(world, given)
  if (given.mode === 'subscription' && given.customer !== undefined) {
    checkCurrency(world, given.customer, items[0]?.currency ?? 'usd')
  }
  const expiresAtMs = expiry(world, given.expires_at)
  const session = newSession(world, given, items, Math.floor(expiresAtMs / 1000), setupFor(world, given))
  checkoutSessions(world).put(session.id, session)
  const taxRates = (given.line_items ?? []).map(({ tax_rates: ids = [] }, index) =>
    requireRates(world, ids, `line_items[${index}][tax_rates]`),
  )
  lineItems(world).put(session.id, { items, taxRates, trial: hasTrial(given) })
  sessionPlans(world).put(session.id, planOfSession(given))
  schedule(world, { kind: 'expire_session', target: session.id, dueAtMs: expiresAtMs })
  return discountSession(world, session, given.discounts ?? [])
}

/** A session that only saves a method begins with the setup intent it will end with. */
function setupFor(world: StripeWorld, given: SessionRequest): string | null {
  if (given.mode !== 'setup') return null
  const { id } = createSetupIntent(world, {
    customer: given.customer ?? null,
    description: given.setup_intent_data?.description ?? null,
    metadata: given.setup_intent_data?.metadata ?? {},
    usage: 'off_session',
    paymentMethod: null,
    allowRedirects: 'always',
  })
  return id
}

function checkAddresses(given: SessionRequest): void {
  const hosted = given.ui_mode === undefined || given.ui_mode === 'hosted_page'
  if (hosted && given.success_url === undefined) throw missingParameter('success_url')
  if (hosted && given.return_url !== undefined) {
    throw invalidRequest('`return_url` is not for `ui_mode: hosted_page`; use `success_url`.', { param: 'return_url' })
  }
  if (!hosted && (given.success_url !== undefined || given.cancel_url !== undefined)) {
    throw invalidRequest(
      `\`success_url\` and \`cancel_url\` are not for \`ui_mode: ${given.ui_mode}\`; use \`return_url\`.`,
      {
        param: given.success_url === undefined ? 'cancel_url' : 'success_url',
      },
    )
  }
}

function expiry(world: StripeWorld, given: number | undefined): number {
  if (given === undefined) return world.now() + dayMs
  const ahead = given - seconds(world)
  if (ahead < 30 * 60 || ahead > 24 * 60 * 60) {
    throw invalidRequest('The `expires_at` timestamp must be between 30 minutes and 24 hours from now.', {
      param: 'expires_at',
    })
  }
  return given * 1000
}

function chosenItems(world: StripeWorld, given: SessionRequest): LineItem[] {
  const requested = given.line_items ?? []
  if (given.mode === 'setup') {
    if (requested.length > 0) throw invalidRequest('`line_items` is not for `setup` mode.', { param: 'line_items' })
    return []
  }
  if (requested.length === 0) throw missingParameter('line_items')
  const items = requested.map((item, index) => chosenItem(world, item, index))
  const recurring = items.filter(({ price }) => price.recurring !== null)
  if (given.mode === 'payment' && recurring.length > 0) {
    throw invalidRequest(
      'You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.',
      { param: 'line_items' },
    )
  }
  if (given.mode === 'subscription' && recurring.length === 0) {
    throw invalidRequest('You must provide at least one recurring price in `subscription` mode when using prices.', {
      param: 'line_items',
    })
  }
  if (new Set(items.map((item) => item.currency)).size > 1) {
    throw invalidRequest('All line items must use the same currency.', { param: 'line_items' })
  }
  const total = items.reduce((sum, item) => sum + item.amount_total, 0)
  if (given.mode === 'payment') checkSessionTotal(total, items[0]?.currency ?? 'usd')
  return items
}

function chosenItem(world: StripeWorld, given: z.output<typeof lineItemData>, index: number): LineItem {
  const at = `line_items[${index}]`
  if ((given.price === undefined) === (given.price_data === undefined)) {
    throw invalidRequest(`Exactly one of \`price\` and \`price_data\` is required for ${at}.`, {
      code: 'parameter_missing',
      param: `${at}[price]`,
    })
  }
  const price =
    given.price_data === undefined ? prices(world).get(given.price ?? '') : inlinePrice(world, given.price_data)
  if (price === undefined) throw noSuch('price', given.price ?? '', `${at}[price]`)
  if (!price.active && given.price !== undefined) {
    throw invalidRequest(`The price specified is inactive. This field only accepts active prices.`, {
      param: `${at}[price]`,
    })
  }
  if (isMetered(price)) {
    if (given.quantity !== undefined) {
      throw invalidRequest('Quantity should not be specified where usage_type is `metered`.', {
        param: `${at}[quantity]`,
      })
    }
    return newLineItem(world, price, null, given.metadata ?? {})
  }
  if (given.quantity === undefined || given.quantity === 0) {
    throw invalidRequest('Quantity is required. Add `quantity` to this line item.', {
      code: 'parameter_missing',
      param: `${at}[quantity]`,
    })
  }
  return newLineItem(world, price, given.quantity, given.metadata ?? {})
}

/** A price made for one session cannot be used again, so it is not active. */
function inlinePrice(world: StripeWorld, given: NonNullable<z.output<typeof lineItemData>['price_data']>): Price {
  return createPrice(world, { ...given, active: false })
}
