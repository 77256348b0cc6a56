import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { InvoiceView, Page, UsageRecord } from '../../index.js'
import { type App, type AppEnv, addRoute, type Served } from '../app.js'
import { json, organizationPath, problems } from '../contract/fields.js'
import { usagePage, usageQuery, usageRecord } from '../contract/usage.js'
import { orWithoutAccount } from '../missing-account.js'
import { filtered, linkNext, placeOf, resultsOf, spanOf } from '../paging.js'
import { isCollected, usageJson } from '../wire/usage.js'

/** Recorded usage, as S4 has it for an account and S3 for the caller's. */
export function addUsageRoutes(app: App, served: Served): void {
  const { billing, wire } = served
  const list = async (context: Context<AppEnv>, query: z.output<typeof usageQuery>) => {
    const { accountId } = context.var
    const { limit, cursor, billed, settled_by: payer, ...filter } = query
    const { meter, model } = filter
    const only = { ...spanOf(filter), ...(meter && { meter }), ...(model && { model }) }
    const pageOf = (place: string | undefined): Promise<Page<UsageRecord>> =>
      billing.usage.list({ ...placeOf(accountId, { limit, cursor: place }), ...only })
    const isAsked = (record: UsageRecord) => {
      const isPaidSo = payer === undefined || (record.settledBy[payer] ?? 0n) !== 0n
      return isPaidSo && (billed === undefined || record.billed === billed) ? record : null
    }
    const narrowed = [...(billed === undefined ? [] : [`billed=${billed}`]), ...(payer ? [`settled_by=${payer}`] : [])]
    const page = await filtered(pageOf, { cursor, filter: narrowed.join('&') || null }, isAsked)
    const { spark } = await billing.priceList()
    const invoices = page.items.some(isCollected) ? await newestInvoices(served, accountId) : []
    return { ...page, items: page.items.map((record) => usageJson(record, { accountId, spark, wire, invoices })) }
  }

  addRoute(
    app,
    served,
    { scope: 'billing:read', account: 'path' },
    {
      method: 'get',
      path: '/account/{organization_id}/usage',
      summary: 'Recorded usage, newest first',
      request: { params: organizationPath, query: usageQuery },
      responses: { 200: json(z.array(usageRecord), 'Usage; `Link` says where the next is.'), ...problems },
    },
    async (context) => {
      const { items, nextCursor } = await list(context, context.req.valid('query'))
      linkNext(context, nextCursor)
      return context.json([...items], 200)
    },
  )
  addRoute(
    app,
    served,
    { scope: 'billing:read', account: 'own' },
    {
      method: 'get',
      path: '/credits/usage',
      summary: 'Recorded usage of the caller’s account, newest first',
      request: { query: usageQuery },
      responses: { 200: json(usagePage, 'A page of usage.'), ...problems },
    },
    async (context) => {
      const nothing = { items: [], nextCursor: null }
      const page = await orWithoutAccount(list(context, context.req.valid('query')), nothing)
      return context.json(resultsOf(context, page), 200)
    },
  )
}

async function newestInvoices({ billing }: Served, accountId: string): Promise<readonly InvoiceView[]> {
  return (await billing.listInvoices?.({ accountId, limit: 100 }))?.items ?? []
}
