import { z } from '@hono/zod-openapi'
import type { UsageRecord } from '../../index.js'
import { type App, addRoute, type Served } from '../app.js'
import { costExportQuery, costPage, costQuery, costRecord, costSummary } from '../contract/cost.js'
import { json, organizationPath, problems } from '../contract/fields.js'
import { daysQuery } from '../contract/usage.js'
import { linkNext, placeOf, resultsOf, spanOf } from '../paging.js'
import { places } from '../places.js'
import { costJson, costSummaryJson, poolsOf } from '../wire/cost.js'

const scope = 'billing:read'

/** What usage cost before margin. */
export function addCostRoutes(app: App, served: Served): void {
  const { billing, wire } = served
  /** Only a cost that was worked out of tokens has parts. */
  const partsOf = async (accountId: string, { id, tokens }: UsageRecord) =>
    tokens === null ? [] : poolsOf(await billing.explain({ accountId, id }))

  const list = async (accountId: string, query: z.output<typeof costQuery>) => {
    const page = await billing.costs.list({ ...placeOf(accountId, query), ...spanOf(query) })
    const parts = await Promise.all(page.items.map((record) => partsOf(accountId, record)))
    return { ...page, items: page.items.map((record, index) => costJson(record, parts[index] ?? [], accountId, wire)) }
  }

  for (const { path, account, params } of places) {
    addRoute(
      app,
      served,
      { scope, account },
      {
        method: 'get',
        path: `${path}/costs/summary`,
        summary: 'What usage cost, by provider and model; this month where no days are given',
        request: { params: params, query: daysQuery },
        responses: { 200: json(costSummary, 'The sums.'), ...problems },
      },
      async (context) => {
        const { accountId } = context.var
        const summary = await billing.costs.summary({ accountId, ...spanOf(context.req.valid('query')) })
        return context.json(costSummaryJson(summary, accountId), 200)
      },
    )
    addRoute(
      app,
      served,
      { scope, account },
      {
        method: 'get',
        path: `${path}/costs/export`,
        summary: 'The same as CSV, in which no cell is a formula to a spreadsheet',
        request: { params: params, query: costExportQuery },
        responses: {
          200: { description: 'The table.', content: { 'text/csv': { schema: z.string() } } },
          ...problems,
        },
      },
      async (context) => {
        const { accountId } = context.var
        const span = spanOf(context.req.valid('query'))
        const chunks = billing.costs.export({ accountId, format: 'csv', ...span })[Symbol.asyncIterator]()
        // What is wrong with the request comes with the first chunk, while there is still an answer to be chosen.
        const first = await chunks.next()
        return context.body(streamOf(first, chunks), 200, {
          'content-type': 'text/csv; charset=utf-8',
          'content-disposition': 'attachment; filename="costs.csv"',
        })
      },
    )
  }
  addRoute(
    app,
    served,
    { scope, account: 'path' },
    {
      method: 'get',
      path: '/account/{organization_id}/costs',
      summary: 'Recorded usage that has a cost, newest first',
      request: { params: organizationPath, query: costQuery },
      responses: { 200: json(z.array(costRecord), 'Costs; `Link` says where the next are.'), ...problems },
    },
    async (context) => {
      const { items, nextCursor } = await list(context.var.accountId, context.req.valid('query'))
      linkNext(context, nextCursor)
      return context.json([...items], 200)
    },
  )
  addRoute(
    app,
    served,
    { scope, account: 'own' },
    {
      method: 'get',
      path: '/costs',
      summary: 'Recorded usage of the caller’s account that has a cost, newest first',
      request: { query: costQuery },
      responses: { 200: json(costPage, 'A page of costs.'), ...problems },
    },
    async (context) =>
      context.json(resultsOf(context, await list(context.var.accountId, context.req.valid('query'))), 200),
  )
}

function streamOf(first: IteratorResult<string>, chunks: AsyncIterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let next: Promise<IteratorResult<string>> = Promise.resolve(first)
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await next
      if (done) return controller.close()
      controller.enqueue(encoder.encode(value))
      next = chunks.next()
      // Heard of where it is awaited.
      next.catch(() => undefined)
    },
    async cancel() {
      await chunks.return?.()
    },
  })
}
