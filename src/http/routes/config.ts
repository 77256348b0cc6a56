import { type App, addPublicRoute, type Served } from '../app.js'
import { stripeConfig } from '../contract/account.js'
import { json } from '../contract/fields.js'

/** What pages have to know before anybody has signed in. */
export function addConfigRoutes(app: App, { publishableKey }: Served): void {
  addPublicRoute(
    app,
    {
      method: 'get',
      path: '/config',
      summary: 'The publishable key for forms of the payment provider',
      responses: { 200: json(stripeConfig, 'The key, or null where none is set.') },
    },
    (context) => context.json({ publishable_key: publishableKey, is_configured: publishableKey !== null }, 200),
  )
}
