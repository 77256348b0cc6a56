import { z } from '@hono/zod-openapi'
import { type App, addRoute, type Served } from '../app.js'
import { part } from '../billing.js'
import { json, jsonBody, problems } from '../contract/fields.js'
import {
  attachPaymentMethodRequest,
  offeredMethod,
  paymentMethod,
  paymentMethodPath,
  setDefaultRequest,
  updatePaymentMethodRequest,
} from '../contract/payment-method.js'
import { attachMethod, storedMethods } from '../stored-methods.js'
import { paymentMethodJson } from '../wire/payment-method.js'

const availableQuery = z.strictObject({
  country: z.string().max(2).optional().openapi({ example: 'DE' }),
  use: z.enum(['payment', 'subscription', 'off_session']).optional(),
})
const read = { scope: 'billing:read', account: 'own', needs: 'paymentMethods' } as const
const change = { scope: 'billing:admin', account: 'own', needs: 'paymentMethods' } as const
const one = { 200: json(paymentMethod, 'The payment method.'), ...problems }

/** What the caller's account pays with, and could pay with, by the paths of S3. */
export function addPaymentMethodRoutes(app: App, served: Served): void {
  const { billing } = served
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/payment-methods/available',
      summary: 'The kinds of payment method on offer',
      request: { query: availableQuery },
      responses: { 200: json(z.array(offeredMethod), 'What is on offer.'), ...problems },
    },
    async (context) => {
      const { country, use } = context.req.valid('query')
      const where = { ...(country === undefined ? {} : { country }), ...(use === undefined ? {} : { use }) }
      const offered = await part(billing, 'paymentMethods').available({ accountId: context.var.accountId, ...where })
      const body = offered.map(({ type, provider, uses, countries }) => {
        return { type, provider, uses: [...uses], countries: countries && [...countries] }
      })
      return context.json(body, 200)
    },
  )
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/payment-methods',
      summary: 'What the caller’s account can pay with',
      responses: { 200: json(z.array(paymentMethod), 'The payment methods.'), ...problems },
    },
    async (context) => context.json(await storedMethods(billing, context.var.accountId), 200),
  )
  addRoute(
    app,
    served,
    change,
    {
      method: 'post',
      path: '/payment-methods',
      summary: 'Adds a payment method that a form of the provider’s made',
      request: jsonBody(attachPaymentMethodRequest),
      responses: { 201: json(paymentMethod, 'The payment method.'), ...problems },
    },
    async (context) => {
      return context.json(await attachMethod(billing, context.var.accountId, context.req.valid('json')), 201)
    },
  )
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/payment-methods/{payment_method_id}',
      summary: 'One payment method',
      request: { params: paymentMethodPath },
      responses: one,
    },
    async (context) => {
      const id = context.req.valid('param').payment_method_id
      return context.json(
        paymentMethodJson(await part(billing, 'paymentMethods').get({ accountId: context.var.accountId, id })),
        200,
      )
    },
  )
  for (const method of ['put', 'patch'] as const) {
    addRoute(
      app,
      served,
      change,
      {
        method,
        path: '/payment-methods/{payment_method_id}',
        summary: 'Changes name, e-mail or expiry',
        request: { params: paymentMethodPath, ...jsonBody(updatePaymentMethodRequest) },
        responses: one,
      },
      async (context) => {
        const id = context.req.valid('param').payment_method_id
        const { name, email, expiry_month: expiryMonth, expiry_year: expiryYear } = context.req.valid('json')
        const updated = await part(billing, 'paymentMethods').update({
          accountId: context.var.accountId,
          id,
          ...(name !== undefined && { name }),
          ...(email !== undefined && { email }),
          ...(expiryMonth !== undefined && { expiryMonth }),
          ...(expiryYear !== undefined && { expiryYear }),
        })
        return context.json(paymentMethodJson(updated), 200)
      },
    )
  }
  addRoute(
    app,
    served,
    change,
    {
      method: 'post',
      path: '/payment-methods/{payment_method_id}/set_default',
      summary: 'Makes it the one that is charged',
      request: { params: paymentMethodPath, ...jsonBody(setDefaultRequest) },
      responses: one,
    },
    async (context) => {
      const id = context.req.valid('param').payment_method_id
      return context.json(
        paymentMethodJson(await part(billing, 'paymentMethods').setDefault({ accountId: context.var.accountId, id })),
        200,
      )
    },
  )
  addRoute(
    app,
    served,
    change,
    {
      method: 'delete',
      path: '/payment-methods/{payment_method_id}',
      summary: 'Takes a payment method away',
      request: { params: paymentMethodPath },
      responses: { 204: { description: 'It is gone.' }, ...problems },
    },
    async (context) => {
      const id = context.req.valid('param').payment_method_id
      await part(billing, 'paymentMethods').remove({ accountId: context.var.accountId, id })
      return context.body(null, 204)
    },
  )
}
