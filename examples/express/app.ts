import { createHandler, scopes } from 'billfold/http'
import { toExpress } from 'billfold/http/express'
import express, { type Express } from 'express'
import { createApi } from './api.js'
import type { ParrotBilling } from './billing.js'
import type { Completions } from './completion.js'
import { answerError } from './error-response.js'
import { createParrotGateway, type Upstream } from './gateway.js'
import { createPages } from './pages.js'
import { sessionReader } from './session.js'
import { createSignIn } from './sign-in.js'

/** What the app is told, beside its service. */
export interface AppOptions {
  /** Where browsers reach it. */
  readonly origin: string
  /** Signs the cookie of the sign-in. */
  readonly sessionSecret: string
  /** Where the sandbox shows what happened; `null` with real keys. */
  readonly consoleUrl: string | null
  /** Who answers what comes through the gateway; `null` for no gateway. */
  readonly upstream: Upstream | null
}

/** The whole app, without a server around it. */
export function createApp(billing: ParrotBilling, completions: Completions, options: AppOptions): Express {
  const { origin, sessionSecret, consoleUrl, upstream } = options
  const sessionOf = sessionReader(sessionSecret)
  const app = express()
  app.disable('x-powered-by')

  // All routes of billing, Stripe's webhooks at `/api/billing/webhooks/stripe` among them. Before any parser: a webhook is signed on its
  // raw bytes, which the handler reads itself.
  app.use(
    toExpress(
      createHandler(billing, {
        identify(request) {
          const session = sessionOf(request.headers.get('cookie'))
          return session && { ...session, scopes: [...scopes], by: 'cookie' }
        },
        allowedOrigins: [origin],
        returnUrls: {
          success: `${origin}/billing/success`,
          cancel: `${origin}/billing/cancel`,
          portal: `${origin}/settings/billing`,
        },
      }),
    ),
  )
  // Also before any parser: it reads what clients of OpenAI send, and streams what they are answered.
  if (upstream) app.use(toExpress(createParrotGateway(billing, origin, upstream)))
  app.use('/api', createApi(billing, completions, sessionOf))
  app.use(createSignIn(billing, sessionSecret, origin.startsWith('https:')))
  app.use(createPages(sessionOf, consoleUrl))
  // Also what body parsers refuse: too large, an encoding that they do not know.
  app.use(answerError)
  return app
}
