import express, { type Express } from 'express'
import type { AccountOf } from './account-of.js'
import { createApi } from './api.js'
import type { ParrotBilling } from './billing.js'
import type { Completions } from './completion.js'
import { answerError } from './error-response.js'
import { createPages } from './pages.js'

/** The whole app, without a server around it. */
export function createApp(billing: ParrotBilling, completions: Completions, accountOf: AccountOf): Express {
  const app = express()
  app.disable('x-powered-by')

  // Before any parser: a webhook is signed on its raw bytes.
  app.post('/webhooks/stripe', express.raw({ type: '*/*', limit: '5mb' }), async (request, response) => {
    // Express gives an empty body as `undefined`; it is as unsigned as any other.
    const rawBody: Uint8Array = request.body ?? new Uint8Array()
    // What it throws is answered at the end. Anything but 2xx makes Stripe send it again later.
    await billing.webhooks.handle('stripe', { rawBody, headers: request.headers })
    response.json({ received: true })
  })

  app.use('/api', createApi(billing, completions, accountOf))
  app.use(createPages(billing, completions, accountOf))
  // Also what the body parser above refuses: too large, an encoding it does not know.
  app.use(answerError)
  return app
}
