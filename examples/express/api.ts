import {
  BillingError,
  type CreditTransaction,
  formatSparks,
  type QuotaView,
  type RecordedUsage,
  type UsageSum,
} from 'billfold'
import express, { type Router } from 'express'
import type { AccountOf } from './account-of.js'
import { isPackage, type ParrotBilling } from './billing.js'
import type { Completions } from './completion.js'
import { refuseCrossSite } from './cross-site.js'
import { answerError, remedyJson } from './error-response.js'
import { readOverview } from './overview.js'
import { signUp } from './sign-up.js'

/** The JSON API. Amounts of credit are Sparks, as decimal text. */
export function createApi(billing: ParrotBilling, completions: Completions, accountOf: AccountOf): Router {
  const api = express.Router()
  api.use(refuseCrossSite, express.json({ limit: '100kb' }))

  api.post('/account', async (request, response) => {
    const { account, grant } = await signUp(billing, accountOf(request))
    response.status(account.created ? 201 : 200).json({
      account: { id: account.id, plan: account.plan, created: account.created },
      welcome_credit: { sparks: formatSparks(grant.amount), status: grant.status },
    })
  })

  api.post('/complete', async (request, response) => {
    const { prompt, model, tokens } = request.body ?? {}
    refuseOtherPools(tokens)
    const idempotencyKey = request.get('idempotency-key')
    const asked = { accountId: accountOf(request), prompt, model, tokens, idempotencyKey }
    const completion = await completions.complete(asked)
    if (!completion.allowed) {
      const { reason, message, remedies, quota, httpStatus } = completion
      const error = { code: reason, message, remedies: remedies.map(remedyJson) }
      return void response.status(httpStatus).json({ error, quota: quotaJson(quota) })
    }
    const { usage, ...answer } = completion
    response.json({ answer: answer.text, model: answer.model, tokens: answer.tokens, usage: usageJson(usage) })
  })

  api.get('/usage/:id', async (request, response) => {
    response.json(usageJson(await billing.usage.get({ accountId: accountOf(request), id: request.params.id })))
  })

  api.get('/billing', async (request, response) => {
    const overview = await readOverview(billing, accountOf(request))
    if (!overview) return void response.status(404).json(noAccount)
    const { account, quota, credits, usage, transactions } = overview
    response.json({
      account: { id: account.id, plan: account.plan },
      quota: quotaJson(quota),
      balance: { sparks: formatSparks(credits.balance), available: formatSparks(credits.available) },
      usage: {
        events: usage.events,
        sparks: formatSparks(usage.sparks),
        by_meter: usage.byMeter.map(sumJson),
        by_model: usage.byModel.map(sumJson),
      },
      transactions: transactions.map(transactionJson),
    })
  })

  api.get('/transactions', async (request, response) => {
    const { cursor } = request.query
    const page = await billing.credits.transactions({
      accountId: accountOf(request),
      limit: 100,
      ...(typeof cursor === 'string' ? { cursor } : {}),
    })
    response.json({ data: page.items.map(transactionJson), next_cursor: page.nextCursor })
  })

  api.post('/checkout', async (request, response) => {
    const name: unknown = request.body?.package
    if (!isPackage(name)) return void response.status(404).json(noPackage)
    const checkout = await billing.createCheckout({
      accountId: accountOf(request),
      kind: 'package',
      package: name,
      successUrl: '/billing/success',
      cancelUrl: '/billing/cancel',
    })
    response.status(201).json({ id: checkout.id, url: checkout.url, expires_at: checkout.expiresAt })
  })

  /** For whoever runs the app: what is still on its way to Stripe and Langfuse. */
  api.get('/sync', async (_request, response) => {
    response.json(await billing.sync.status())
  })

  /** Sends now what would wait until its minute is over. */
  api.post('/sync', async (_request, response) => {
    response.json(await billing.sync.flush())
  })

  api.use((_request, response) => void response.status(404).json(notFound))
  api.use(answerError)
  return api
}

/** Tokens of a pool that the model has no price for would be served and not charged. */
function refuseOtherPools(tokens: unknown): void {
  const other = Object.keys(Object(tokens)).find((pool) => pool !== 'input' && pool !== 'output')
  if (other !== undefined) throw new BillingError('unknown_field', 'tokens has input and output, and no other pool.')
}

const notFound = { error: { code: 'not_found', message: 'There is no such route.', remedies: [] } }
const noAccount = { error: { code: 'not_found', message: 'No account yet: POST /api/account.', remedies: [] } }
const noPackage = { error: { code: 'not_found', message: 'package must be one of ours.', remedies: [] } }

function usageJson({ id, status, sparks, costUsd, settledBy, balance, quota, deliveries }: RecordedUsage) {
  return {
    id,
    status,
    sparks: formatSparks(sparks),
    cost_usd: costUsd,
    settled_by: Object.fromEntries(Object.entries(settledBy).map(([who, amount]) => [who, formatSparks(amount)])),
    balance: formatSparks(balance.balance),
    quota: quotaJson(quota),
    deliveries,
  }
}

function quotaJson({ meter, status, used, limit, remaining, resetsAt }: QuotaView) {
  return { meter, status, used, limit, remaining, resets_at: resetsAt }
}

function sumJson({ name, events, quantity, sparks }: UsageSum) {
  return { name, events, quantity, sparks: formatSparks(sparks) }
}

function transactionJson({ id, operation, amount, balanceAfter, meter, reason, recordedAt }: CreditTransaction) {
  return {
    id,
    operation,
    sparks: formatSparks(amount),
    balance_after: formatSparks(balanceAfter),
    meter,
    reason,
    recorded_at: recordedAt,
  }
}
