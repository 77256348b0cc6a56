import { z } from '@hono/zod-openapi'
import type { Account } from '../../index.js'
import type { App } from '../app.js'
import { apiKey, apiKeyPage } from '../contract/api-key.js'
import { json, jsonBody, pageQuery, problems } from '../contract/fields.js'
import { idempotencyKeyOf } from '../idempotency-key.js'
import { placeOf, resultsOf } from '../paging.js'
import { apiKeyJson } from '../wire/api-key.js'
import { balanceJson } from '../wire/credit.js'
import {
  accountPath,
  accountsQuery,
  adminAccount,
  adminAccounts,
  erasedAccount,
  eraseRequest,
  keyOfAccountPath,
  reasonRequest,
  revokeRequest,
} from './contract.js'
import { type AdminServed, addOperatorRoute } from './route.js'

/** Accounts as operators see them, what stops them, and their keys. */
export function addAccountRoutes(app: App, served: AdminServed): void {
  const { accounts, apiKeys, credits } = served.billing

  async function accountJson(account: Account): Promise<z.output<typeof adminAccount>> {
    const { id: accountId, email, name, plan, zone, suspendedFor, createdAt } = account
    const [balance, customers] = await Promise.all([credits.balance({ accountId }), accounts.customers({ accountId })])
    return {
      ...{ id: accountId, email, name, plan, zone },
      status: suspendedFor === null ? 'active' : 'suspended',
      suspended_for: suspendedFor,
      customers: customers.map(({ provider, id }) => ({ provider, customer_id: id })),
      balance: balanceJson(balance),
      created_at: createdAt.toISOString(),
    }
  }

  addOperatorRoute(
    app,
    served,
    { scope: 'accounts:read' },
    {
      method: 'get',
      path: '/accounts',
      summary: 'The accounts that have an e-mail; at most a hundred',
      request: { query: accountsQuery },
      responses: { 200: json(adminAccounts, 'The accounts.'), ...problems },
    },
    async (context) => {
      const found = await accounts.find({ email: context.req.valid('query').email })
      return context.json({ results: await Promise.all(found.map(accountJson)) }, 200)
    },
  )
  addOperatorRoute(
    app,
    served,
    { scope: 'accounts:erase', action: 'account.erase' },
    {
      method: 'post',
      path: '/accounts/{account_id}/erase',
      summary: 'Forgets whose an account is, and keeps its books; it cannot be undone',
      request: { params: accountPath, ...jsonBody(eraseRequest) },
      responses: { 200: json(erasedAccount, 'The account, without whoever it was.'), ...problems },
    },
    async (context) => {
      const accountId = context.req.valid('param').account_id
      const { customers } = context.req.valid('json')
      const erased = await accounts.erase({ accountId, ...(customers === undefined ? {} : { customers }) })
      const done = erased.customers.map(({ provider, id, result }) => ({ provider, customer_id: id, result }))
      return context.json({ ...(await accountJson(erased)), erased_customers: done }, 200)
    },
  )
  addOperatorRoute(
    app,
    served,
    { scope: 'accounts:read' },
    {
      method: 'get',
      path: '/accounts/{account_id}',
      summary: 'Who an account is, what it has, and what providers call it',
      request: { params: accountPath },
      responses: { 200: json(adminAccount, 'The account.'), ...problems },
    },
    async (context) => {
      const accountId = context.req.valid('param').account_id
      return context.json(await accountJson(await accounts.get({ accountId })), 200)
    },
  )
  for (const verb of ['suspend', 'resume'] as const)
    addOperatorRoute(
      app,
      served,
      { scope: 'accounts:write', action: `account.${verb}` },
      {
        method: 'post',
        path: `/accounts/{account_id}/${verb}`,
        summary: verb === 'suspend' ? 'Stops an account from starting new usage' : 'Lets a suspended account go on',
        request: { params: accountPath, ...jsonBody(reasonRequest) },
        responses: { 200: json(adminAccount, 'The account.'), ...problems },
      },
      async (context) => {
        const accountId = context.req.valid('param').account_id
        const { reason } = context.req.valid('json')
        const asked = { accountId, reason, idempotencyKey: idempotencyKeyOf(context) }
        return context.json(await accountJson(await accounts[verb](asked)), 200)
      },
    )
  addOperatorRoute(
    app,
    served,
    { scope: 'accounts:read' },
    {
      method: 'get',
      path: '/accounts/{account_id}/api-keys',
      summary: 'The API keys of an account, newest first',
      request: { params: accountPath, query: z.strictObject(pageQuery) },
      responses: { 200: json(apiKeyPage, 'A page of keys.'), ...problems },
    },
    async (context) => {
      const page = await apiKeys.list(placeOf(context.req.valid('param').account_id, context.req.valid('query')))
      return context.json(resultsOf(context, { ...page, items: page.items.map(apiKeyJson) }), 200)
    },
  )
  addOperatorRoute(
    app,
    served,
    { scope: 'accounts:write', action: 'api_key.revoke' },
    {
      method: 'post',
      path: '/accounts/{account_id}/api-keys/{key_id}/revoke',
      summary: 'Ends an API key at once',
      request: { params: keyOfAccountPath, ...jsonBody(revokeRequest) },
      responses: { 200: json(apiKey, 'The key, revoked.'), ...problems },
    },
    async (context) => {
      const { account_id: accountId, key_id: keyId } = context.req.valid('param')
      return context.json(apiKeyJson(await apiKeys.revoke({ accountId, keyId })), 200)
    },
  )
}
