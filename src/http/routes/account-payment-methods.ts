import { z } from '@hono/zod-openapi'
import { type App, addRoute, type Served } from '../app.js'
import { part } from '../billing.js'
import { json, jsonBody, organizationPath, problems } from '../contract/fields.js'
import { attachPaymentMethodRequest, paymentMethod, paymentMethodPath } from '../contract/payment-method.js'
import { attachMethod, storedMethods } from '../stored-methods.js'

const methodPath = z.strictObject({ ...organizationPath.shape, ...paymentMethodPath.shape })
const change = { scope: 'billing:admin', account: 'path', needs: 'paymentMethods' } as const

/** What an account pays with, by the paths of S4. */
export function addAccountPaymentMethodRoutes(app: App, served: Served): void {
  const { billing } = served
  addRoute(
    app,
    served,
    change,
    {
      method: 'post',
      path: '/account/{organization_id}/payment-method',
      summary: 'Adds a payment method that a form of the provider’s made',
      request: { params: organizationPath, ...jsonBody(attachPaymentMethodRequest) },
      responses: { 200: json(paymentMethod, 'The payment method.'), ...problems },
    },
    async (context) => {
      return context.json(await attachMethod(billing, context.var.accountId, context.req.valid('json')), 200)
    },
  )
  addRoute(
    app,
    served,
    { scope: 'billing:read', account: 'path', needs: 'paymentMethods' },
    {
      method: 'get',
      path: '/account/{organization_id}/payment-methods',
      summary: 'What the account can pay with',
      request: { params: organizationPath },
      responses: { 200: json(z.array(paymentMethod), 'The payment methods.'), ...problems },
    },
    async (context) => context.json(await storedMethods(billing, context.var.accountId), 200),
  )
  addRoute(
    app,
    served,
    change,
    {
      method: 'delete',
      path: '/account/{organization_id}/payment-methods/{payment_method_id}',
      summary: 'Takes a payment method away',
      request: { params: methodPath },
      responses: { 204: { description: 'It is gone.' }, ...problems },
    },
    async (context) => {
      const { payment_method_id: id } = context.req.valid('param')
      await part(billing, 'paymentMethods').remove({ accountId: context.var.accountId, id })
      return context.body(null, 204)
    },
  )
}
