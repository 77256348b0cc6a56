import * as z from 'zod'
import { requireCustomer } from './customers.js'
import { invalidRequest, missingParameter, noSuch } from './errors.js'
import { count, list, text, tolerated, webUrl } from './form.js'
import {
  defaultConfiguration,
  type PortalConfiguration,
  portalConfigurationRoutes,
  portalConfigurations,
} from './portal-configurations.js'
import { route } from './route.js'
import { type Subscription, subscriptions } from './subscription-object.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type PortalSession = ReturnType<typeof newPortalSession>
export type PortalFlow = NonNullable<PortalSession['flow']>

export const portalSessions = tableOf<PortalSession>('portal_sessions')

const named = z.strictObject({ subscription: text })

const flowData = z.strictObject({
  type: z.enum(
    [
      'payment_method_update',
      'subscription_cancel',
      'subscription_pause',
      'subscription_update',
      'subscription_update_confirm',
    ],
    'Invalid flow_data[type]',
  ),
  after_completion: z
    .strictObject({
      type: z.enum(['hosted_confirmation', 'portal_homepage', 'redirect'], 'Invalid flow_data[after_completion][type]'),
      hosted_confirmation: z.strictObject({ custom_message: text.max(500).optional() }).optional(),
      redirect: z.strictObject({ return_url: webUrl }).optional(),
    })
    .optional(),
  subscription_cancel: z.strictObject({ subscription: text, ...tolerated('retention') }).optional(),
  subscription_pause: named.optional(),
  subscription_update: named.optional(),
  subscription_update_confirm: z
    .strictObject({
      subscription: text,
      items: list(z.strictObject({ id: text, price: text.optional(), quantity: count.optional() })),
      discounts: list(z.strictObject({ coupon: text.optional(), promotion_code: text.optional() })).optional(),
    })
    .optional(),
})

type FlowData = z.output<typeof flowData>

export const portalRoutes = [
  route(
    'POST /v1/billing_portal/sessions',
    z.strictObject({
      customer: text.optional(),
      configuration: text.optional(),
      return_url: webUrl.optional(),
      locale: text.optional(),
      flow_data: flowData.optional(),
      ...tolerated('after_expiration', 'on_behalf_of'),
    }),
    ({ world, params }) => {
      if (params.customer === undefined) throw missingParameter('customer')
      const { id: customer } = requireCustomer(world, params.customer)
      const id = params.configuration ?? defaultConfiguration(world)?.id ?? ''
      const configuration = portalConfigurations(world).get(id)
      if (configuration === undefined) throw noSuch('configuration', id, 'configuration')
      if (!configuration.active) {
        throw invalidRequest(`The configuration ${id} is inactive.`, { param: 'configuration' })
      }
      if (params.flow_data !== undefined) checkFlow(world, params.flow_data, configuration, customer)
      const session = newPortalSession(world, customer, configuration, {
        returnUrl: params.return_url ?? configuration.default_return_url,
        locale: params.locale ?? null,
        flow: params.flow_data,
      })
      portalSessions(world).put(session.id, session)
      return session
    },
  ),
  ...portalConfigurationRoutes,
]

/** A flow needs its feature to be on, and a subscription of the customer's own. */
function checkFlow(world: StripeWorld, flow: FlowData, { features }: PortalConfiguration, customer: string): void {
  const feature = flow.type === 'subscription_update_confirm' ? 'subscription_update' : flow.type
  if (!features[feature].enabled) {
    throw invalidRequest(
      `This session cannot be created because the \`${feature}\` feature is disabled in the portal configuration. Please enable it and try again.`,
      { param: 'flow_data[type]' },
    )
  }
  if (flow.after_completion?.type === 'redirect' && flow.after_completion.redirect === undefined) {
    throw missingParameter('flow_data[after_completion][redirect]')
  }
  if (flow.type === 'payment_method_update') return
  const details = flow[flow.type]
  if (details === undefined) throw missingParameter(`flow_data[${flow.type}]`)
  const at = `flow_data[${flow.type}][subscription]`
  const subscription: Subscription | undefined = subscriptions(world).get(details.subscription)
  if (subscription === undefined || subscription.customer !== customer) {
    throw noSuch('subscription', details.subscription, at)
  }
  if (flow.type === 'subscription_cancel' && subscription.cancel_at_period_end) {
    throw invalidRequest('The subscription is already set to be canceled at the end of its period.', { param: at })
  }
}

function newPortalSession(
  world: StripeWorld,
  customer: string,
  configuration: PortalConfiguration,
  given: { readonly returnUrl: string | null; readonly locale: string | null; readonly flow: FlowData | undefined },
) {
  const id = newId('bps_1', 23)
  return {
    id,
    object: 'billing_portal.session' as const,
    configuration: configuration.id,
    created: seconds(world),
    customer,
    customer_account: null,
    flow: given.flow === undefined ? null : newFlow(given.flow),
    livemode: false as const,
    locale: given.locale,
    on_behalf_of: null,
    return_url: given.returnUrl,
    url: world.pageUrl(`/portal/${id}`),
  }
}

function newFlow(given: FlowData) {
  const { after_completion: after, subscription_update_confirm: confirm } = given
  const cancel = given.subscription_cancel
  return {
    after_completion: {
      hosted_confirmation:
        after?.type === 'hosted_confirmation'
          ? { custom_message: after.hosted_confirmation?.custom_message ?? null }
          : null,
      redirect: after?.redirect ?? null,
      type: after?.type ?? ('portal_homepage' as const),
    },
    customer_update: null,
    subscription_cancel: cancel === undefined ? null : { retention: null, subscription: cancel.subscription },
    subscription_pause: given.subscription_pause ?? null,
    subscription_update: given.subscription_update ?? null,
    subscription_update_confirm:
      confirm === undefined
        ? null
        : {
            discounts:
              confirm.discounts?.map(({ coupon = null, promotion_code = null }) => ({ coupon, promotion_code })) ??
              null,
            items: confirm.items.map(({ id, price = null, quantity }) => ({
              id,
              price,
              ...(quantity === undefined ? {} : { quantity }),
            })),
            subscription: confirm.subscription,
          },
    type: given.type,
  }
}
