import type { UsageTimeline } from '../../index.js'
import { BillingError } from '../../index.js'
import { type App, addRoute, type Served } from '../app.js'
import { json, problems } from '../contract/fields.js'
import { daysQuery, usageDashboard } from '../contract/usage.js'
import { spanOf } from '../paging.js'
import { dashboardJson } from '../wire/usage-dashboard.js'

/** What the caller's account has used, for people to look at. */
export function addUsageDashboardRoutes(app: App, served: Served): void {
  const { billing } = served
  addRoute(
    app,
    served,
    { scope: 'billing:read', account: 'own' },
    {
      method: 'get',
      path: '/usage',
      summary: 'Sums and a series of each meter, and what is left; this month where no days are given',
      request: { query: daysQuery },
      responses: { 200: json(usageDashboard, 'The figures.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const span = { accountId, ...spanOf(context.req.valid('query')) }
      const [prices, summary, quotas, upcoming, atProvider] = await Promise.all([
        billing.priceList(),
        billing.usage.summary(span),
        billing.quotas.list({ accountId }),
        ifSaid(async () => (await billing.invoices?.upcoming({ accountId })) ?? null),
        ifSaid(async () => (await billing.metering?.usage({ accountId }))?.[0] ?? null),
      ])
      const days = { accountId, from: summary.from, to: summary.to, by: 'day' } as const
      const timelines = await Promise.all(
        prices.meters.map(async ({ meter }): Promise<readonly [string, UsageTimeline]> => {
          return [meter, await billing.usage.timeline({ ...days, meter })]
        }),
      )
      const facts = { prices, summary, quotas, upcoming, atProvider, timelines: new Map(timelines) }
      return context.json(dashboardJson(facts), 200)
    },
  )
}

/** What a provider says, where one does. The ledger's figures are shown also while it cannot be asked. */
async function ifSaid<T>(ask: () => Promise<T | null>): Promise<T | null | 'unknown'> {
  try {
    return await ask()
  } catch (error) {
    if (!BillingError.is(error)) throw error
    if (error.code === 'capability_missing') return null
    if (error.retryable || error.httpStatus === 502) return 'unknown'
    throw error
  }
}
