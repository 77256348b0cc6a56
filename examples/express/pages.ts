import { readFileSync } from 'node:fs'
import express, { type ErrorRequestHandler, type Response, type Router } from 'express'
import type { AccountOf } from './account-of.js'
import { isPackage, type ParrotBilling } from './billing.js'
import { complete } from './completion.js'
import { errorResponse } from './error-response.js'
import { readOverview } from './overview.js'
import { billingPage, welcomePage } from './pages/billing-page.js'
import type { Html } from './pages/html.js'
import { refusalNotice, usageNotice } from './pages/notice.js'
import { cancelPage, errorPage, successPage } from './pages/return-page.js'
import { signUp } from './sign-up.js'

const styleSheet = readFileSync(new URL('./pages/style.css', import.meta.url))

/** The billing page and its forms: plain HTML, no script. */
export function createPages(billing: ParrotBilling, accountOf: AccountOf): Router {
  const pages = express.Router()
  pages.use((_request, response, next) => {
    response.set({
      'content-security-policy':
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'self'",
      'cache-control': 'no-store',
    })
    next()
  })
  pages.use(express.urlencoded({ extended: false, limit: '10kb' }))

  pages.get('/style.css', (_request, response) => void response.type('css').send(styleSheet))

  async function sendBilling(response: Response, accountId: string, notice?: Html): Promise<void> {
    const overview = await readOverview(billing, accountId)
    response.type('html').send(overview ? billingPage(overview, notice) : welcomePage())
  }

  pages.get('/', async (request, response) => {
    const accountId = accountOf(request)
    const { used } = request.query
    const usage = typeof used === 'string' ? await billing.usage.get({ accountId, id: used }) : undefined
    await sendBilling(response, accountId, usage && usageNotice(usage))
  })

  pages.post('/account', async (request, response) => {
    await signUp(billing, accountOf(request))
    response.redirect(303, '/')
  })

  pages.post('/use', async (request, response) => {
    const accountId = accountOf(request)
    const { tokens, key } = request.body ?? {}
    const count = Number(tokens)
    const completion = await complete(billing, {
      accountId,
      prompt: 'Polly wants a cracker.',
      model: 'parrot-mini',
      tokens: { input: (count * 4) / 5, output: count / 5 },
      // Made with the page: a double click counts once.
      idempotencyKey: key,
    })
    if (completion.allowed) return response.redirect(303, `/?used=${encodeURIComponent(completion.usage.id)}`)
    response.status(completion.httpStatus)
    await sendBilling(response, accountId, refusalNotice(completion))
  })

  pages.post('/top-up', async (request, response) => {
    const name: unknown = request.body?.package
    if (!isPackage(name)) return void response.status(404).type('html').send(errorPage('There is no such package.'))
    const { url } = await billing.createCheckout({
      accountId: accountOf(request),
      kind: 'credits',
      package: name,
      successUrl: '/billing/success',
      cancelUrl: '/billing/cancel',
    })
    response.redirect(303, url)
  })

  pages.get('/billing/success', async (request, response) => {
    const accountId = accountOf(request)
    const checkout = await billing.verifyCheckout({ accountId, checkoutId: String(request.query.checkout) })
    const quota = await billing.getQuota({ accountId, meter: 'ai_tokens' })
    response.type('html').send(successPage(checkout, quota))
  })

  pages.get('/billing/cancel', async (request, response) => {
    const { balance } = await billing.credits.balance({ accountId: accountOf(request) })
    response.type('html').send(cancelPage(balance))
  })

  pages.use((_request, response) => void response.status(404).type('html').send(errorPage('There is no such page.')))
  const answerError: ErrorRequestHandler = (error, _request, response, _next) => {
    const { status, body } = errorResponse(error)
    if (status === 500) console.error(error)
    response.status(status).type('html').send(errorPage(body.error.message))
  }
  pages.use(answerError)
  return pages
}
