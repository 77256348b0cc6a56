import type { CreatedCheckout } from '../../index.js'
import { type App, addRoute, type Served } from '../app.js'
import { part, type ServedBilling } from '../billing.js'
import { checkout, creditPurchaseRequest, lifetimePurchaseRequest } from '../contract/checkout.js'
import { json, jsonBody, organizationPath, problems } from '../contract/fields.js'
import { idempotencyKeyGiven } from '../idempotency-key.js'
import { RequestError } from '../request-error.js'
import { returnUrlsOf } from '../return-urls.js'

const buy = { scope: 'billing:pay', account: 'path', needs: 'createCheckout' } as const

/** Hosted pages on which credits, and plans for life, are paid for. */
export function addCheckoutRoutes(app: App, served: Served): void {
  const { billing } = served
  addRoute(
    app,
    served,
    buy,
    {
      method: 'post',
      path: '/account/{organization_id}/credits/checkout',
      summary: 'A page on which credits are paid for',
      request: { params: organizationPath, ...jsonBody(creditPurchaseRequest) },
      responses: { 200: json(checkout, 'The page.'), ...problems },
    },
    async (context) => {
      const request = context.req.valid('json')
      const created = await part(
        billing,
        'createCheckout',
      )({
        accountId: context.var.accountId,
        kind: 'credits',
        amount: String(request.amount_usd),
        ...returnUrlsOf(served, request),
        ...idempotencyKeyGiven(context),
      })
      return context.json(checkoutJson(created), 200)
    },
  )
  addRoute(
    app,
    served,
    buy,
    {
      method: 'post',
      path: '/account/{organization_id}/lifetime/checkout',
      summary: 'A page on which a plan is paid for once, for life',
      request: { params: organizationPath, ...jsonBody(lifetimePurchaseRequest) },
      responses: { 200: json(checkout, 'The page.'), ...problems },
    },
    async (context) => {
      const request = context.req.valid('json')
      const created = await part(
        billing,
        'createCheckout',
      )({
        accountId: context.var.accountId,
        kind: 'lifetime',
        // Looked up in the catalog, which is not known by its names here.
        plan: (request.plan ?? (await onlyLifetimePlan(billing))) as never,
        ...returnUrlsOf(served, request),
        ...idempotencyKeyGiven(context),
      })
      return context.json(checkoutJson(created), 200)
    },
  )
}

async function onlyLifetimePlan(billing: ServedBilling): Promise<string> {
  const { plans } = await billing.priceList()
  const [first, ...others] = plans.filter(({ price }) => price?.interval === 'once')
  if (!first) throw new RequestError('not_found', 'No plan is sold for life.')
  if (others.length === 0) return first.name
  const message = `plan: one of ${[first, ...others].map(({ name }) => name).join(', ')}.`
  throw new RequestError('invalid_request', message, {}, [{ field: 'plan', message }])
}

function checkoutJson({ id, url, externalId }: CreatedCheckout) {
  return { checkout_url: url, session_id: externalId, checkout_id: id }
}
