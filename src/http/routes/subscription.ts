import type { SubscriptionView } from '../../index.js'
import { type App, addRoute, type Served } from '../app.js'
import { part } from '../billing.js'
import { json, jsonBody, organizationPath, problems } from '../contract/fields.js'
import { cancelSubscriptionRequest, reactivateSubscriptionRequest, subscription } from '../contract/subscription.js'
import { subscriptionJson } from '../wire/subscription.js'

const change = { scope: 'billing:admin', account: 'path', needs: 'subscriptions' } as const

/** What an account is subscribed to. */
export function addSubscriptionRoutes(app: App, served: Served): void {
  const { billing, wire } = served
  const shown = async (accountId: string, view: SubscriptionView | null) => {
    const [account, prices, limits, features, purchases] = await Promise.all([
      billing.accounts.get({ accountId }),
      billing.priceList(),
      billing.usage.limits({ accountId }),
      billing.features.list({ accountId }),
      billing.accounts.lifetimePurchases({ accountId }),
    ])
    const purchase = purchases.find(({ plan }) => plan === account.plan)
    return subscriptionJson({ account, prices, limits, features, purchase, view }, wire)
  }
  addRoute(
    app,
    served,
    { scope: 'billing:read', account: 'path' },
    {
      method: 'get',
      path: '/account/{organization_id}/subscription',
      summary: 'The subscription that is going on, or the plan that the account has without one',
      request: { params: organizationPath },
      responses: { 200: json(subscription, 'The subscription.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const view = (await billing.subscriptions?.get({ accountId })) ?? null
      return context.json(await shown(accountId, view), 200)
    },
  )
  addRoute(
    app,
    served,
    change,
    {
      method: 'post',
      path: '/account/{organization_id}/subscription/cancel',
      summary: 'Ends the subscription with its period, or now',
      request: { params: organizationPath, ...jsonBody(cancelSubscriptionRequest) },
      responses: { 200: json(subscription, 'The subscription afterwards.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const when = context.req.valid('json').at_period_end === false ? 'now' : 'period_end'
      return context.json(await shown(accountId, await part(billing, 'subscriptions').cancel({ accountId, when })), 200)
    },
  )
  addRoute(
    app,
    served,
    change,
    {
      method: 'post',
      path: '/account/{organization_id}/subscription/reactivate',
      summary: 'Takes back that the subscription ends with its period',
      request: { params: organizationPath, ...jsonBody(reactivateSubscriptionRequest) },
      responses: { 200: json(subscription, 'The subscription afterwards.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      return context.json(await shown(accountId, await part(billing, 'subscriptions').reactivate({ accountId })), 200)
    },
  )
}
