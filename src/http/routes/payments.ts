import { z } from '@hono/zod-openapi'
import { type App, addRoute, type Served } from '../app.js'
import { part } from '../billing.js'
import { json, problems } from '../contract/fields.js'
import { payment, paymentPage, paymentQuery } from '../contract/payment.js'
import { inStates, resultsOf } from '../paging.js'
import { paymentJson } from '../wire/payment.js'
import { paymentStatusesOf } from '../wire/payment-status.js'

const paymentPath = z.strictObject({
  payment_id: z.string().openapi({ param: { name: 'payment_id', in: 'path' }, example: 'pi_1' }),
})
const read = { scope: 'billing:read', account: 'own', needs: 'payments' } as const

/** What the caller's account has paid, or tried to. */
export function addPaymentRoutes(app: App, served: Served): void {
  const { billing } = served
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/payments',
      summary: 'The payments of the caller’s account, newest first',
      request: { query: paymentQuery },
      responses: { 200: json(paymentPage, 'A page of payments.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const { status, ...asked } = context.req.valid('query')
      const states = status === undefined ? null : paymentStatusesOf(status)
      const { list } = part(billing, 'payments')
      const page = await inStates({ accountId, ...asked }, states, list, paymentJson)
      return context.json(resultsOf(context, page), 200)
    },
  )
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/payments/{payment_id}',
      summary: 'One payment',
      request: { params: paymentPath },
      responses: { 200: json(payment, 'The payment.'), ...problems },
    },
    async (context) => {
      const id = context.req.valid('param').payment_id
      return context.json(
        paymentJson(await part(billing, 'payments').get({ accountId: context.var.accountId, id })),
        200,
      )
    },
  )
}
