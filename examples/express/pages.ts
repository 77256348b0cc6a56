import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { BillingError, type RecordedUsage, type VerifiedCheckout } from 'billfold'
import express, { type ErrorRequestHandler, type Response, type Router } from 'express'
import type { AccountOf } from './account-of.js'
import { isPackage, type ParrotBilling } from './billing.js'
import type { Completions } from './completion.js'
import { refuseCrossSite } from './cross-site.js'
import { errorResponse } from './error-response.js'
import { readOverview } from './overview.js'
import { billingPage, type Outcome, welcomePage } from './pages/billing-page.js'
import { errorWords } from './pages/error-words.js'
import { html } from './pages/html.js'
import { checkoutNotice, refusalNotice, usageNotice } from './pages/notice.js'
import { cancelPage, errorPage, successPage } from './pages/return-page.js'
import { signUp } from './sign-up.js'
import { forgetCheckout, rememberCheckout, startedCheckout } from './started-checkout.js'

const styleSheet = readFileSync(new URL('./pages/style.css', import.meta.url))

/** The billing page and its forms: plain HTML, no script. */
export function createPages(billing: ParrotBilling, completions: Completions, accountOf: AccountOf): Router {
  const pages = express.Router()
  pages.use((_request, response, next) => {
    response.set({
      'content-security-policy':
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'self'",
      'cache-control': 'no-store',
    })
    next()
  })
  pages.use(refuseCrossSite)
  pages.use(express.urlencoded({ extended: false, limit: '10kb' }))

  pages.get('/style.css', (_request, response) => void response.type('css').send(styleSheet))

  async function sendBilling(response: Response, accountId: string, outcome: Outcome = {}): Promise<void> {
    const overview = await readOverview(billing, accountId)
    const { takesTokenCounts } = completions
    response.type('html').send(overview ? billingPage(overview, takesTokenCounts, outcome) : welcomePage())
  }

  /** How a checkout stands at the provider; `null` when that cannot be found out. */
  async function standingOf(accountId: string, checkoutId: unknown): Promise<VerifiedCheckout | null> {
    if (typeof checkoutId !== 'string') return null
    try {
      return await billing.verifyCheckout({ accountId, checkoutId })
    } catch (error) {
      if (BillingError.is(error)) return null
      throw error
    }
  }

  pages.get('/', async (request, response) => {
    const accountId = accountOf(request)
    const { used } = request.query
    const usage = typeof used === 'string' ? await findUsage(billing, accountId, used) : null
    // The page does not wait for the provider, nor fail with it: its own figures are at hand.
    const checkout = await Promise.race([
      standingOf(accountId, startedCheckout(request)).catch(() => null),
      setTimeout(2_000, null, { ref: false }),
    ])
    if (checkout && checkout.status !== 'open' && checkout.status !== 'processing') forgetCheckout(response)
    await sendBilling(response, accountId, {
      notice: html`${checkout && checkoutNotice(checkout)}${usage && usageNotice(usage)}`,
    })
  })

  pages.post('/account', async (request, response) => {
    await signUp(billing, accountOf(request))
    response.redirect(303, '/')
  })

  pages.post('/use', async (request, response) => {
    const accountId = accountOf(request)
    const { tokens, key } = request.body ?? {}
    const count = Number(tokens)
    const completion = await completions.complete({
      accountId,
      prompt: 'Polly wants a cracker.',
      model: 'parrot-mini',
      tokens: tokens === undefined ? undefined : { input: (count * 4) / 5, output: count / 5 },
      // Made with the page, one for each button: a double click counts once.
      idempotencyKey: key === undefined ? undefined : `${key}-${tokens ?? 'ask'}`,
    })
    if (completion.allowed) return response.redirect(303, `/?used=${encodeURIComponent(completion.usage.id)}`)
    response.status(completion.httpStatus)
    const { remedies } = completion
    const topUp = remedies.find((remedy) => remedy.kind === 'top_up')
    await sendBilling(response, accountId, {
      notice: refusalNotice(completion),
      ...(topUp ? { missing: topUp.missingSparks } : {}),
    })
  })

  pages.post('/top-up', async (request, response) => {
    const { package: name, quantity = '1' } = request.body ?? {}
    if (!isPackage(name)) return void response.status(404).type('html').send(errorPage('There is no such package.'))
    const { id, url } = await billing.createCheckout({
      accountId: accountOf(request),
      kind: 'package',
      package: name,
      quantity: Number(quantity),
      successUrl: '/billing/success',
      cancelUrl: '/billing/cancel',
    })
    rememberCheckout(response, id)
    response.redirect(303, url)
  })

  // Where a form was answered with a page, its address stays in the browser: whoever opens that again comes home.
  pages.get(['/account', '/use', '/top-up'], (_request, response) => response.redirect(303, '/'))

  pages.get('/billing/success', async (request, response) => {
    const accountId = accountOf(request)
    const checkout = await billing.verifyCheckout({ accountId, checkoutId: String(request.query.checkout) })
    const quota = await billing.getQuota({ accountId, meter: 'ai_tokens' })
    response.type('html').send(successPage(checkout, quota))
  })

  pages.get('/billing/cancel', async (request, response) => {
    const accountId = accountOf(request)
    // It may have been paid in another tab: turning back proves nothing.
    const checkout = await standingOf(accountId, request.query.checkout ?? startedCheckout(request))
    const quota = await billing.getQuota({ accountId, meter: 'ai_tokens' })
    response.type('html').send(cancelPage(checkout, quota))
  })

  pages.use((_request, response) => void response.status(404).type('html').send(errorPage('There is no such page.')))
  const answerWithPage: ErrorRequestHandler = (error, _request, response, next) => {
    if (response.headersSent) return next(error)
    const { status } = errorResponse(error)
    if (status === 500) console.error(error)
    response
      .status(status)
      .type('html')
      .send(errorPage(errorWords(error, status)))
  }
  pages.use(answerWithPage)
  return pages
}

/** Usage that an address names; `null` when there is none of that name. */
async function findUsage(billing: ParrotBilling, accountId: string, id: string): Promise<RecordedUsage | null> {
  try {
    return await billing.usage.get({ accountId, id })
  } catch (error) {
    if (BillingError.is(error) && error.httpStatus < 500) return null
    throw error
  }
}
