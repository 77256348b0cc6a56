import { type App, addRoute, type Served } from '../app.js'
import { part } from '../billing.js'
import { portal, portalQuery, portalRequest } from '../contract/checkout.js'
import { json, jsonBody, organizationPath, problems } from '../contract/fields.js'
import { portalReturnUrl } from '../return-urls.js'

/** Hosted pages on which payment methods and subscriptions are managed. */
export function addPortalRoutes(app: App, served: Served): void {
  const create = async (accountId: string, given: string | undefined) =>
    part(served.billing, 'createPortal')({ accountId, returnUrl: portalReturnUrl(served, given) })
  addRoute(
    app,
    served,
    { scope: 'billing:admin', account: 'path', needs: 'createPortal' },
    {
      method: 'post',
      path: '/account/{organization_id}/portal',
      summary: 'A page on which the customer manages payment methods and subscriptions',
      request: { params: organizationPath, ...jsonBody(portalRequest) },
      responses: { 200: json(portal, 'The page.'), ...problems },
    },
    async (context) => {
      const { url } = await create(context.var.accountId, context.req.valid('json').return_url)
      return context.json({ portal_url: url }, 200)
    },
  )
  addRoute(
    app,
    served,
    { scope: 'billing:admin', account: 'own', needs: 'createPortal' },
    {
      method: 'get',
      path: '/portal',
      summary: 'The same for the caller’s account: the address, or a redirect to it',
      request: { query: portalQuery },
      responses: {
        200: json(portal, 'The page.'),
        302: { description: 'The page, where `redirect=true` was asked for.' },
        ...problems,
      },
    },
    async (context) => {
      const { return_url: given, redirect } = context.req.valid('query')
      const { url } = await create(context.var.accountId, given)
      return redirect === 'true' ? context.redirect(url, 302) : context.json({ portal_url: url }, 200)
    },
  )
}
