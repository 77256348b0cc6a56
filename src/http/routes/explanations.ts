import { type App, addRoute, type Served } from '../app.js'
import { explanation, explanationPath } from '../contract/explanation.js'
import { json, problems } from '../contract/fields.js'
import { RequestError } from '../request-error.js'
import { grantExplanationJson, transactionExplanationJson, usageExplanationJson } from '../wire/explanation.js'

/** How usage and every other change of the balance came about, for the people who pay for it. */
export function addExplanationRoutes(app: App, served: Served): void {
  const { billing } = served
  addRoute(
    app,
    served,
    { scope: 'billing:read', account: 'own' },
    {
      method: 'get',
      path: '/explanations/{id}',
      summary: 'How usage, or another change of the balance, came about',
      request: { params: explanationPath },
      responses: { 200: json(explanation, 'Counts, prices, margin, rounding, and who paid.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const found = await billing.explain({ accountId, id: context.req.valid('param').id })
      if (found.kind === 'usage') return context.json(usageExplanationJson(found), 200)
      if (found.kind === 'entry') return context.json(transactionExplanationJson(found), 200)
      if (found.kind === 'grant') return context.json(grantExplanationJson(found), 200)
      throw new RequestError('not_found', 'There is no such usage and no such change of the balance.')
    },
  )
}
