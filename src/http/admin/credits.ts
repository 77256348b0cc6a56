import { z } from '@hono/zod-openapi'
import { type CreditChange, formatSparks, type GrantedCredits } from '../../index.js'
import type { App } from '../app.js'
import { creditTransactionPage } from '../contract/credit.js'
import { json, jsonBody, pageQuery, problems } from '../contract/fields.js'
import { idempotencyKeyGiven } from '../idempotency-key.js'
import { placeOf, resultsOf } from '../paging.js'
import { transactionJson } from '../wire/credit.js'
import { accountPath, adjustRequest, creditChange, grantRequest } from './contract.js'
import { type AdminServed, addOperatorRoute } from './route.js'

/** Credits by hand. Both need an `Idempotency-Key`: nobody is given anything twice by a double click. */
export function addCreditRoutes(app: App, served: AdminServed): void {
  const { credits } = served.billing
  addOperatorRoute(
    app,
    served,
    { scope: 'accounts:read' },
    {
      method: 'get',
      path: '/accounts/{account_id}/transactions',
      summary: 'Every change of the balance, newest first',
      request: { params: accountPath, query: z.strictObject(pageQuery) },
      responses: { 200: json(creditTransactionPage, 'A page of changes.'), ...problems },
    },
    async (context) => {
      const place = placeOf(context.req.valid('param').account_id, context.req.valid('query'))
      const page = await credits.transactions(place)
      return context.json(resultsOf(context, { ...page, items: page.items.map(transactionJson) }), 200)
    },
  )
  addOperatorRoute(
    app,
    served,
    { scope: 'credits:write', action: 'credits.grant' },
    {
      method: 'post',
      path: '/accounts/{account_id}/credits/grant',
      summary: 'Gives credits',
      request: { params: accountPath, ...jsonBody(grantRequest) },
      responses: { 200: json(creditChange, 'What was given.'), ...problems },
    },
    async (context) => {
      const { expires_at: expiresAt, kind, priority, ...asked } = context.req.valid('json')
      const granted = await credits.grant({
        ...{ accountId: context.req.valid('param').account_id, ...asked },
        ...(kind === undefined ? {} : { kind }),
        ...(priority === undefined ? {} : { priority }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
        ...keyOf(idempotencyKeyGiven(context)),
      })
      return context.json(changeJson(granted), 200)
    },
  )
  addOperatorRoute(
    app,
    served,
    { scope: 'credits:write', action: 'credits.adjust' },
    {
      method: 'post',
      path: '/accounts/{account_id}/credits/adjust',
      summary: 'Corrects a balance, or takes back what a transaction did',
      request: { params: accountPath, ...jsonBody(adjustRequest) },
      responses: { 200: json(creditChange, 'What was changed.'), ...problems },
    },
    async (context) => {
      const { amount, reverses, reason } = context.req.valid('json')
      const changed = await credits.adjust({
        ...{ accountId: context.req.valid('param').account_id, reason },
        ...(amount === undefined ? {} : { amount }),
        ...(reverses === undefined ? {} : { reverses }),
        ...keyOf(idempotencyKeyGiven(context)),
      })
      return context.json(changeJson(changed), 200)
    },
  )
}

/** One that is missing is refused by the operation, which says so. */
export function keyOf(given: { readonly idempotencyKey?: string }): { readonly idempotencyKey: string } {
  return given as { readonly idempotencyKey: string }
}

function changeJson({ id, status, amount, balance }: CreditChange | GrantedCredits): z.output<typeof creditChange> {
  const { balance: after, debt } = balance
  return { id, status, amount: formatSparks(amount), balance: formatSparks(after), debt: formatSparks(debt) }
}
