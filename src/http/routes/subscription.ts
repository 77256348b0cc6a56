import type { SubscriptionView } from '../../index.js'
import { type App, addRoute, type Served } from '../app.js'
import { part } from '../billing.js'
import { json, jsonBody, problems } from '../contract/fields.js'
import {
  cancelSubscriptionRequest,
  changedSubscription,
  changeSubscriptionRequest,
  previewChangeRequest,
  previewedChange,
  reactivateSubscriptionRequest,
  subscription,
} from '../contract/subscription.js'
import { idempotencyKeyOf } from '../idempotency-key.js'
import { places } from '../places.js'
import { paymentOutcomeJson } from '../wire/payment.js'
import { previewedChangeJson, subscriptionJson } from '../wire/subscription.js'

/** What an account is subscribed to. */
export function addSubscriptionRoutes(app: App, served: Served): void {
  for (const place of places) addRoutesAt(place, app, served)
}

function addRoutesAt({ path, account, params }: (typeof places)[number], app: App, served: Served): void {
  const { billing, wire } = served
  const change = { scope: 'billing:admin', account, needs: 'subscriptions' } as const
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
    { scope: 'billing:read', account },
    {
      method: 'get',
      path: `${path}/subscription`,
      summary: 'The subscription that is going on, or the plan that the account has without one',
      request: { params },
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
      path: `${path}/subscription/cancel`,
      summary: 'Ends the subscription with its period, or now',
      request: { params, ...jsonBody(cancelSubscriptionRequest) },
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
      path: `${path}/subscription/reactivate`,
      summary: 'Takes back that the subscription ends with its period',
      request: { params, ...jsonBody(reactivateSubscriptionRequest) },
      responses: { 200: json(subscription, 'The subscription afterwards.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      return context.json(await shown(accountId, await part(billing, 'subscriptions').reactivate({ accountId })), 200)
    },
  )
  addRoute(
    app,
    served,
    { ...change, scope: 'billing:read' },
    {
      method: 'post',
      path: `${path}/subscription/preview`,
      summary: 'What another plan or number of seats would charge now; nothing is changed',
      request: { params, ...jsonBody(previewChangeRequest) },
      responses: { 200: json(previewedChange, 'What it would charge.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      // Plans are looked up in the catalog, which is not known by its names here.
      const wanted = context.req.valid('json') as object
      const preview = await part(billing, 'subscriptions').previewChange({ accountId, ...wanted })
      return context.json(previewedChangeJson(preview), 200)
    },
  )
  addRoute(
    app,
    served,
    change,
    {
      method: 'post',
      path: `${path}/subscription/change`,
      summary: 'Puts the subscription on another plan or number of seats',
      request: { params, ...jsonBody(changeSubscriptionRequest) },
      responses: { 200: json(changedSubscription, 'The subscription afterwards, and its payment.'), ...problems },
    },
    async (context) => {
      const { accountId } = context.var
      const { previewed_at, ...wanted } = context.req.valid('json')
      const changed = await part(billing, 'subscriptions').change({
        accountId,
        ...(wanted as object),
        ...(previewed_at === undefined ? {} : { previewedAt: previewed_at }),
        idempotencyKey: idempotencyKeyOf(context),
      })
      const { payment } = changed
      const after = await shown(accountId, changed.subscription)
      return context.json({ subscription: after, payment: payment && paymentOutcomeJson(payment) }, 200)
    },
  )
}
