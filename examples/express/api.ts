import { randomUUID } from 'node:crypto'
import { BillingError, formatSparks, type QuotaView, type RecordedUsage } from 'billfold'
import express, { type Request, type Router } from 'express'
import type { ParrotBilling } from './billing.js'
import type { Completions } from './completion.js'
import { refuseCrossSite } from './cross-site.js'
import { answerError, remedyJson } from './error-response.js'
import type { SessionOf } from './session.js'
import { doTask, tasks } from './tasks.js'

/** What Parrot does, as JSON; billing has routes of its own. Amounts of credit are Sparks, as decimal text. */
export function createApi(billing: ParrotBilling, completions: Completions, sessionOf: SessionOf): Router {
  const api = express.Router()
  api.use(refuseCrossSite, express.json({ limit: '100kb' }))

  /** Whose request it is: from the session, never from the body. */
  const accountOf = (request: Request): string => {
    const session = sessionOf(request.get('cookie'))
    if (session) return session.accountId
    throw Object.assign(new Error('Sign in first.'), { status: 401, expose: true })
  }

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

  /** What the buttons of the playground do. */
  api.post('/tasks/:task', async (request, response) => {
    const accountId = accountOf(request)
    const task = tasks.get(request.params.task)
    if (!task) return void response.status(404).json(notFound)
    response.json(await doTask(billing, accountId, task, request.get('idempotency-key') ?? randomUUID()))
  })

  api.get('/usage/:id', async (request, response) => {
    response.json(usageJson(await billing.usage.get({ accountId: accountOf(request), id: request.params.id })))
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
