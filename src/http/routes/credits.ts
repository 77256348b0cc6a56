import { z } from '@hono/zod-openapi'
import { type App, addRoute, type Served } from '../app.js'
import { creditBalance, creditTransactionPage, creditUsageSummary, usageLimits } from '../contract/credit.js'
import { json, pageQuery, problems } from '../contract/fields.js'
import { daysQuery } from '../contract/usage.js'
import { orWithoutAccount } from '../missing-account.js'
import { placeOf, resultsOf, spanOf } from '../paging.js'
import { balanceJson, creditSummaryJson, limitsJson, noBalance, noSummary, transactionJson } from '../wire/credit.js'

const read = { scope: 'billing:read', account: 'own' } as const

/** The caller's credits, by the paths of S3. An account that is not there has none, and has used nothing. */
export function addCreditRoutes(app: App, { billing, ...rest }: Served): void {
  const served = { billing, ...rest }
  for (const path of ['/transactions', '/credits/transactions']) {
    addRoute(
      app,
      served,
      read,
      {
        method: 'get',
        path,
        summary: 'Every change of the balance, newest first',
        request: { query: z.strictObject(pageQuery) },
        responses: { 200: json(creditTransactionPage, 'A page of changes.'), ...problems },
      },
      async (context) => {
        const place = placeOf(context.var.accountId, context.req.valid('query'))
        const page = await orWithoutAccount(billing.credits.transactions(place), { items: [], nextCursor: null })
        return context.json(resultsOf(context, { ...page, items: page.items.map(transactionJson) }), 200)
      },
    )
  }
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/credits/balance',
      summary: 'What the caller’s account has to spend, and has spent this month',
      responses: { 200: json(creditBalance, 'The balance, in Sparks.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      return context.json(balanceJson(await orWithoutAccount(billing.credits.balance({ accountId }), noBalance)), 200)
    },
  )
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/credits/usage/summary',
      summary: 'Credits used, by operation and model; this month where no days are given',
      request: { query: daysQuery },
      responses: { 200: json(creditUsageSummary, 'The sums.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const { from, to } = context.req.valid('query')
      const summing = billing.usage.summary({ accountId, ...spanOf({ from, to }) })
      return context.json(creditSummaryJson(await orWithoutAccount(summing, noSummary(from, to))), 200)
    },
  )
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/credits/usage/limits',
      summary: 'What the plan and budgets allow, and how much of it is used',
      responses: { 200: json(usageLimits, 'The limits.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const limits = await orWithoutAccount(billing.usage.limits({ accountId }), null)
      return context.json(limits ? limitsJson(limits) : { plan: null, limits: [], budgets: [] }, 200)
    },
  )
}
