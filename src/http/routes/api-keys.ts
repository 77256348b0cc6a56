import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type App, type AppEnv, addRoute, type Served } from '../app.js'
import {
  apiKey,
  apiKeyBudgetRequest,
  apiKeyPage,
  apiKeyPath,
  issueApiKeyRequest,
  issuedApiKey,
  rotateApiKeyRequest,
} from '../contract/api-key.js'
import { json, jsonBody, pageQuery, problems } from '../contract/fields.js'
import { idempotencyKeyOf } from '../idempotency-key.js'
import { placeOf, resultsOf } from '../paging.js'
import { RequestError } from '../request-error.js'
import { apiKeyJson, budgetTerms, issuedJson } from '../wire/api-key.js'

const read = { scope: 'billing:read', account: 'own' } as const
const manage = { scope: 'billing:admin', account: 'own' } as const

/** The keys of the caller's account. Nobody makes a key that may do more than they may themselves. */
export function addApiKeyRoutes(app: App, served: Served): void {
  const { apiKeys } = served.billing
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/api-keys',
      summary: 'The API keys of the caller’s account, newest first, those that have ended too',
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json(apiKeyPage, 'A page of keys.'), ...problems },
    },
    async (context) => {
      const page = await apiKeys.list(placeOf(context.var.accountId, context.req.valid('query')))
      return context.json(resultsOf(context, { ...page, items: page.items.map(apiKeyJson) }), 200)
    },
  )
  addRoute(
    app,
    served,
    read,
    {
      method: 'get',
      path: '/api-keys/{key_id}',
      summary: 'One API key',
      request: { params: apiKeyPath },
      responses: { 200: json(apiKey, 'The key.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const keyId = context.req.valid('param').key_id
      return context.json(apiKeyJson(await apiKeys.get({ accountId, keyId })), 200)
    },
  )
  addRoute(
    app,
    served,
    manage,
    {
      method: 'post',
      path: '/api-keys',
      summary: 'Makes an API key; its secret is in this answer and nowhere else',
      request: jsonBody(issueApiKeyRequest),
      responses: { 201: json(issuedApiKey, 'The key with its secret.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const { name, scopes = [], expires_at: expiresAt, budget } = context.req.valid('json')
      requireScopes(context, scopes)
      const issued = await apiKeys.issue({
        ...{ accountId, name, scopes, idempotencyKey: idempotencyKeyOf(context) },
        ...(expiresAt === undefined ? {} : { expiresAt }),
        ...(budget === undefined ? {} : { budget: { limit: budget.limit, ...budgetTerms(budget) } }),
      })
      return context.json(issuedJson(issued), 201)
    },
  )
  addRoute(
    app,
    served,
    manage,
    {
      method: 'post',
      path: '/api-keys/{key_id}/rotate',
      summary: 'Gives an API key another secret; those before it go on for a while',
      request: { params: apiKeyPath, ...jsonBody(rotateApiKeyRequest) },
      responses: { 200: json(issuedApiKey, 'The key with its new secret.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const keyId = context.req.valid('param').key_id
      const { overlap_seconds: overlap } = context.req.valid('json')
      requireScopes(context, (await apiKeys.get({ accountId, keyId })).scopes)
      const rotated = await apiKeys.rotate({
        ...{ accountId, keyId, idempotencyKey: idempotencyKeyOf(context) },
        ...(overlap === undefined ? {} : { overlapMs: overlap * 1_000 }),
      })
      return context.json(issuedJson(rotated), 200)
    },
  )
  addRoute(
    app,
    served,
    manage,
    {
      method: 'put',
      path: '/api-keys/{key_id}/budget',
      summary: 'Sets what may be charged with an API key in a period',
      request: { params: apiKeyPath, ...jsonBody(apiKeyBudgetRequest) },
      responses: { 200: json(apiKey, 'The key.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const keyId = context.req.valid('param').key_id
      const { limit, ...terms } = context.req.valid('json')
      const idempotencyKey = idempotencyKeyOf(context)
      const set = { accountId, keyId, limit, ...budgetTerms(terms), idempotencyKey }
      return context.json(apiKeyJson(await apiKeys.setBudget(set)), 200)
    },
  )
  addRoute(
    app,
    served,
    manage,
    {
      method: 'delete',
      path: '/api-keys/{key_id}',
      summary: 'Ends an API key at once',
      request: { params: apiKeyPath },
      responses: { 200: json(apiKey, 'The key, revoked.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const keyId = context.req.valid('param').key_id
      return context.json(apiKeyJson(await apiKeys.revoke({ accountId, keyId })), 200)
    },
  )
}

/** @throws RequestError `forbidden` for a scope that the caller has not */
function requireScopes(context: Context<AppEnv>, wanted: readonly string[]): void {
  const own: readonly string[] = context.var.identity.scopes
  const missing = wanted.find((scope) => !own.includes(scope))
  if (missing !== undefined) throw new RequestError('forbidden', `This needs the scope ${missing}, which the key has.`)
}
