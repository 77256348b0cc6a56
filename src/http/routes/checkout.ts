import type { CreatedCheckout } from '../../index.js'
import { type App, addRoute, type Served } from '../app.js'
import type { ServedBilling } from '../billing.js'
import { checkout, creditPurchaseRequest, lifetimePurchaseRequest } from '../contract/checkout.js'
import { json, jsonBody, organizationPath, problems } from '../contract/fields.js'
import { openCheckout } from '../open-checkout.js'
import { invalidField, RequestError } from '../request-error.js'

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
      const sale = { kind: 'credits', amount: String(request.amount_usd) } as const
      return context.json(checkoutJson(await openCheckout(served, context, request, sale)), 200)
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
      const plan = request.plan ?? (await onlyLifetimePlan(billing))
      const sale = { kind: 'lifetime', plan: plan as never } as const
      return context.json(checkoutJson(await openCheckout(served, context, request, sale)), 200)
    },
  )
}

async function onlyLifetimePlan(billing: ServedBilling): Promise<string> {
  const { plans } = await billing.priceList()
  const [first, ...others] = plans.filter(({ price }) => price?.interval === 'once')
  if (!first) throw new RequestError('not_found', 'No plan is sold for life.')
  if (others.length === 0) return first.name
  throw invalidField('plan', `one of ${[first, ...others].map(({ name }) => name).join(', ')}.`)
}

function checkoutJson({ id, url, externalId }: CreatedCheckout) {
  return { checkout_url: url, session_id: externalId, checkout_id: id }
}
