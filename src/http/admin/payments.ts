import { z } from '@hono/zod-openapi'
import type { App } from '../app.js'
import { manualPayments, part } from '../billing.js'
import { json, jsonBody, pageQuery, problems } from '../contract/fields.js'
import { payment, paymentPage, paymentQuery } from '../contract/payment.js'
import { idempotencyKeyGiven } from '../idempotency-key.js'
import { inStates, pageOf, resultsOf } from '../paging.js'
import { paymentJson } from '../wire/payment.js'
import { paymentStatusesOf } from '../wire/payment-status.js'
import {
  accountPath,
  approveRequest,
  paymentOfAccountPath,
  reasonRequest,
  refund,
  refundRequest,
  waitingPage,
} from './contract.js'
import { keyOf } from './credits.js'
import { type AdminServed, addOperatorRoute } from './route.js'

/** Payments that await somebody's word, and money given back. */
export function addPaymentRoutes(app: App, served: AdminServed): void {
  const { billing } = served
  addOperatorRoute(
    app,
    served,
    { scope: 'accounts:read', needs: 'payments' },
    {
      method: 'get',
      path: '/accounts/{account_id}/payments',
      summary: 'The payments of an account, newest first',
      request: { params: accountPath, query: paymentQuery },
      responses: { 200: json(paymentPage, 'A page of payments.'), ...problems },
    },
    async (context) => {
      const accountId = context.req.valid('param').account_id
      const { status, ...asked } = context.req.valid('query')
      const states = status === undefined ? null : paymentStatusesOf(status)
      const page = await inStates({ accountId, ...asked }, states, part(billing, 'payments').list, paymentJson)
      return context.json(resultsOf(context, page), 200)
    },
  )
  addOperatorRoute(
    app,
    served,
    { scope: 'accounts:read', needs: 'payments.approve' },
    {
      method: 'get',
      path: '/payments/waiting',
      summary: 'Payments of all accounts that wait for approval, newest first',
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json(waitingPage, 'A page of payments.'), ...problems },
    },
    async (context) => {
      const { items, nextCursor } = await manualPayments(billing).waiting(pageOf(context.req.valid('query')))
      const results = items.map(({ accountId, ...each }) => ({ ...paymentJson(each), account: accountId }))
      return context.json(resultsOf(context, { items: results, nextCursor }), 200)
    },
  )
  addOperatorRoute(
    app,
    served,
    { scope: 'payments:write', action: 'payment.approve', needs: 'payments.approve' },
    {
      method: 'post',
      path: '/accounts/{account_id}/payments/{payment_id}/approve',
      summary: 'Says that the money of a submitted payment has come',
      request: { params: paymentOfAccountPath, ...jsonBody(approveRequest) },
      responses: { 200: json(payment, 'The payment.'), ...problems },
    },
    async (context) => {
      const { account_id: accountId, payment_id: paymentId } = context.req.valid('param')
      const { amount } = context.req.valid('json')
      const { approve } = manualPayments(billing)
      const approved = await approve({ accountId, paymentId, ...(amount === undefined ? {} : { amount }) })
      return context.json(paymentJson(approved), 200)
    },
  )
  addOperatorRoute(
    app,
    served,
    { scope: 'payments:write', action: 'payment.reject', needs: 'payments.approve' },
    {
      method: 'post',
      path: '/accounts/{account_id}/payments/{payment_id}/reject',
      summary: 'Says that the money of a submitted payment has not come',
      request: { params: paymentOfAccountPath, ...jsonBody(reasonRequest) },
      responses: { 200: json(payment, 'The payment.'), ...problems },
    },
    async (context) => {
      const { account_id: accountId, payment_id: paymentId } = context.req.valid('param')
      const { reason } = context.req.valid('json')
      return context.json(paymentJson(await manualPayments(billing).reject({ accountId, paymentId, reason })), 200)
    },
  )
  addOperatorRoute(
    app,
    served,
    { scope: 'payments:write', action: 'payment.refund', needs: 'payments' },
    {
      method: 'post',
      path: '/accounts/{account_id}/payments/{payment_id}/refund',
      summary: 'Gives back all or part of a payment, and takes back the credits it bought',
      request: { params: paymentOfAccountPath, ...jsonBody(refundRequest) },
      responses: { 200: json(refund, 'What was given back.'), ...problems },
    },
    async (context) => {
      const { account_id: accountId, payment_id: paymentId } = context.req.valid('param')
      const { amount, reason } = context.req.valid('json')
      const given = await part(billing, 'payments').refund({
        ...{ accountId, paymentId, reason, ...keyOf(idempotencyKeyGiven(context)) },
        ...(amount === undefined ? {} : { amount }),
      })
      const { id, status, currency, createdAt } = given
      const money = { amount: Number(given.amount), currency }
      return context.json({ id, payment_id: paymentId, status, ...money, created_at: createdAt.toISOString() }, 200)
    },
  )
}
