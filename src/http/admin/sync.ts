import type { ReconcileInput, ReplayInput } from '../../index.js'
import type { App } from '../app.js'
import { part } from '../billing.js'
import { json, jsonBody, problems } from '../contract/fields.js'
import { reconcileRequest, reconciliation, replayed, replayRequest, syncStatus } from './contract.js'
import { type AdminServed, addOperatorRoute } from './route.js'

/** What waits and was given up, and what is done about it. */
export function addSyncRoutes(app: App, served: AdminServed): void {
  const { billing } = served
  addOperatorRoute(
    app,
    served,
    { scope: 'sync:read' },
    {
      method: 'get',
      path: '/sync',
      summary: 'How many deliveries and webhooks wait, and how many were given up',
      responses: { 200: json(syncStatus, 'The numbers.'), ...problems },
    },
    async (context) => {
      const { deliveries, webhooks } = await billing.sync.status()
      return context.json({ deliveries: [...deliveries], webhooks: [...webhooks] }, 200)
    },
  )
  addOperatorRoute(
    app,
    served,
    { scope: 'sync:write', action: 'sync.replay' },
    {
      method: 'post',
      path: '/sync/replay',
      summary: 'Lets what was given up be tried again: all of it, or what is named',
      request: jsonBody(replayRequest),
      responses: { 200: json(replayed, 'How much is tried again.'), ...problems },
    },
    async (context) => {
      const { kind, event_id: eventId, account: accountId, ...named } = context.req.valid('json')
      const given = { kind, eventId, accountId, ...named }
      const wanted = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
      // Without a kind only nothing at all is a question.
      const input = Object.keys(wanted).length === 0 ? undefined : (wanted as ReplayInput)
      return context.json(await billing.sync.replay(input), 200)
    },
  )
  addOperatorRoute(
    app,
    served,
    { scope: 'sync:write', action: 'reconcile', needs: 'reconcile' },
    {
      method: 'post',
      path: '/reconcile',
      summary: 'Compares what is kept here with what the providers have, and puts right what can be',
      request: jsonBody(reconcileRequest),
      responses: { 200: json(reconciliation, 'What differed.'), ...problems },
    },
    async (context) => {
      const { account: accountId, ...asked } = context.req.valid('json')
      const given = { accountId, ...asked }
      const input = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
      const found = await part(billing, 'reconcile')(input as ReconcileInput)
      return context.json(
        {
          from: found.from.toISOString(),
          to: found.to.toISOString(),
          checked: { ...found.checked },
          uncertain: { ...found.uncertain },
          differences: found.differences.map(({ accountId: account, duplicateOf, at, isRepaired, ...each }) => ({
            ...{ ...each, account, duplicate_of: duplicateOf ?? null },
            ...{ at: at.toISOString(), is_repaired: isRepaired },
          })),
          failures: found.failures.map((each) => ({
            ...{ account: each.accountId, provider: each.provider, code: each.error.code },
          })),
        },
        200,
      )
    },
  )
}
