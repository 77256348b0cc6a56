import { type App, addRoute, type Served } from '../app.js'
import { json, problems } from '../contract/fields.js'
import { priceList } from '../contract/plan.js'
import { priceListJson } from '../wire/plan.js'

/** What is for sale, for a page that compares plans. */
export function addPlanRoutes(app: App, served: Served): void {
  addRoute(
    app,
    served,
    { scope: 'billing:read', account: 'own' },
    {
      method: 'get',
      path: '/plans',
      summary: 'The plans and meters of the catalog, and the price of a Spark',
      responses: { 200: json(priceList, 'What is for sale.'), ...problems },
    },
    async (context) => context.json(priceListJson(await served.billing.priceList()), 200),
  )
}
