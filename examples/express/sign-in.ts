import express, { type Router } from 'express'
import { type ParrotBilling, welcomeCredit } from './billing.js'
import { refuseCrossSite } from './cross-site.js'
import { sealSession, sessionCookieName, sessionFor } from './session.js'

/** Takes whoever gives an address for the person it belongs to: this is a demo. In your app: your sign-in. */
export function createSignIn(billing: ParrotBilling, sessionSecret: string, isSecure: boolean): Router {
  const routes = express.Router()
  routes.use(['/sign-in', '/sign-out'], refuseCrossSite, express.urlencoded({ extended: false, limit: '10kb' }))

  routes.post('/sign-in', async (request, response) => {
    const email = String(request.body?.email ?? '')
    if (email.length > 254 || !/^[^@\s]+@[^@\s]+$/.test(email)) return response.redirect(303, '/')
    const session = sessionFor(email)
    const { accountId } = session
    await billing.accounts.ensure({ accountId, email: session.email })
    // Once: a repeat under the same key gives nothing.
    await billing.credits.grant({
      accountId,
      amount: welcomeCredit,
      kind: 'promotional',
      reason: 'Welcome credit',
      idempotencyKey: `welcome-${accountId}`,
    })
    response.cookie(sessionCookieName, sealSession(session, sessionSecret), {
      httpOnly: true,
      // The way back from Stripe's page is a link of another site: it has to bring the cookie along.
      sameSite: 'lax',
      secure: isSecure,
      maxAge: 30 * 24 * 60 * 60 * 1000,
    })
    response.redirect(303, '/playground')
  })

  routes.post('/sign-out', (_request, response) => {
    response.clearCookie(sessionCookieName, { httpOnly: true, sameSite: 'lax', secure: isSecure })
    response.redirect(303, '/')
  })
  return routes
}
