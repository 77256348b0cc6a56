import { type CreatedCheckout, formatSparks, type VerifiedCheckout } from '../../index.js'
import { type App, addRoute, type Served } from '../app.js'
import { part, type ServedBilling } from '../billing.js'
import {
  checkout,
  checkoutPath,
  checkoutRequest,
  creditPurchaseRequest,
  lifetimePurchaseRequest,
  verifiedCheckout,
} from '../contract/checkout.js'
import { json, jsonBody, organizationPath, problems } from '../contract/fields.js'
import { requireScope } from '../identity.js'
import { openCheckout } from '../open-checkout.js'
import { places } from '../places.js'
import { invalidField, RequestError } from '../request-error.js'

const buy = { scope: 'billing:pay', account: 'path', needs: 'createCheckout' } as const

/** Hosted pages on which something is paid for. */
export function addCheckoutRoutes(app: App, served: Served): void {
  const { billing } = served
  for (const { path, account, params } of places) {
    addRoute(
      app,
      served,
      { ...buy, account },
      {
        method: 'post',
        path: `${path}/checkout`,
        summary: 'A page on which something is paid for, or a payment method is given',
        request: { params, ...jsonBody(checkoutRequest) },
        responses: { 200: json(checkout, 'The page.'), ...problems },
      },
      async (context) => {
        const { success_url, cancel_url, ...sale } = context.req.valid('json')
        // These change what the account is subscribed to, and what it pays with.
        if (sale.kind === 'subscription' || sale.kind === 'setup') requireScope(context.var.identity, 'billing:admin')
        // Plans and packages are looked up in the catalog, which is not known by its names here.
        const page = await openCheckout(served, context, { success_url, cancel_url }, sale as never)
        return context.json(checkoutJson(page), 200)
      },
    )
    addRoute(
      app,
      served,
      { scope: 'billing:read', account, needs: 'verifyCheckout' },
      {
        method: 'get',
        path: `${path}/checkout/{checkout_id}`,
        summary: 'How a checkout stands at its provider; what was paid for is given, if it was not yet',
        request: { params: checkoutPath.extend(params.shape) },
        responses: { 200: json(verifiedCheckout, 'How it stands.'), ...problems },
      },
      async (context) => {
        const { accountId } = context.var
        const id = context.req.valid('param').checkout_id
        const which = id.startsWith('chk_') ? { checkoutId: id } : { sessionId: id }
        return context.json(verifiedJson(await part(billing, 'verifyCheckout')({ accountId, ...which })), 200)
      },
    )
  }
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

function verifiedJson({ id, kind, status, amount, currency, sparks, plan }: VerifiedCheckout) {
  return { checkout_id: id, kind, status, amount: Number(amount), currency, credits: formatSparks(sparks), plan }
}

function checkoutJson({ id, url, externalId }: CreatedCheckout) {
  return { checkout_url: url, session_id: externalId, checkout_id: id }
}
