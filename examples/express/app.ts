import { BillingError } from 'billfold'
import express, { type Express } from 'express'
import type { AccountOf } from './account-of.js'
import { createApi } from './api.js'
import type { ParrotBilling } from './billing.js'
import { errorResponse } from './error-response.js'
import { createPages } from './pages.js'

/** The whole app, without a server around it. */
export function createApp(billing: ParrotBilling, accountOf: AccountOf): Express {
  const app = express()
  app.disable('x-powered-by')

  // Before any parser: a webhook is signed on its raw bytes.
  app.post('/webhooks/stripe', express.raw({ type: '*/*', limit: '5mb' }), async (request, response) => {
    try {
      // Express gives an empty body as `undefined`; it is as unsigned as any other.
      const rawBody: Uint8Array = request.body ?? new Uint8Array()
      await billing.webhooks.handle('stripe', { rawBody, headers: request.headers })
      response.json({ received: true })
    } catch (error) {
      // Anything but 2xx makes Stripe send it again later.
      const { status, body } = errorResponse(error)
      if (!BillingError.is(error)) console.error(error)
      response.status(status).json(body)
    }
  })

  app.use('/api', createApi(billing, accountOf))
  app.use(createPages(billing, accountOf))
  return app
}
