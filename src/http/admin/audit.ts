import type { App } from '../app.js'
import { json, problems } from '../contract/fields.js'
import { pageOf, resultsOf } from '../paging.js'
import { isoOrNull } from '../wire/wire.js'
import { auditPage, auditQuery } from './contract.js'
import { type AdminServed, addOperatorRoute } from './route.js'

/** Who did what. */
export function addAuditRoutes(app: App, served: AdminServed): void {
  addOperatorRoute(
    app,
    served,
    { scope: 'audit:read' },
    {
      method: 'get',
      path: '/audit',
      summary: 'What operators did, newest first: about one account, or all',
      request: { query: auditQuery },
      responses: { 200: json(auditPage, 'A page of actions.'), ...problems },
    },
    async (context) => {
      const { account, ...query } = context.req.valid('query')
      const page = await served.billing.audit.list({
        ...pageOf(query),
        ...(account === undefined ? {} : { accountId: account }),
      })
      const items = page.items.map(({ accountId, requestId, askedAt, endedAt, facts, ...entry }) => ({
        ...{ ...entry, facts: { ...facts }, account: accountId, request_id: requestId },
        ...{ asked_at: askedAt.toISOString(), ended_at: isoOrNull(endedAt) },
      }))
      return context.json(resultsOf(context, { ...page, items }), 200)
    },
  )
}
