import * as z from 'zod'
import { requireCustomer } from './customers.js'
import { missingParameter, noSuch, notFound } from './errors.js'
import { clearable, flag, metadata, paging, text, tolerated, webUrl } from './form.js'
import { listPage, noParameters, route } from './route.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type PortalSession = ReturnType<typeof newPortalSession>
type PortalConfiguration = ReturnType<typeof newConfiguration>

export const portalSessions = tableOf<PortalSession>('portal_sessions')
const portalConfigurations = tableOf<PortalConfiguration>('portal_configurations')

/** Every account has a configuration to start with, as after a first visit to the dashboard. */
export function ensureDefaultConfiguration(world: StripeWorld): void {
  if (portalConfigurations(world).size > 0) return
  const configuration = newConfiguration(world, { isDefault: true, returnUrl: null, name: null, metadata: {} })
  portalConfigurations(world).put(configuration.id, configuration)
}

export const portalRoutes = [
  route(
    'POST /v1/billing_portal/sessions',
    z.strictObject({
      customer: text.optional(),
      configuration: text.optional(),
      return_url: webUrl.optional(),
      locale: text.optional(),
      ...tolerated('after_expiration', 'flow_data', 'on_behalf_of'),
    }),
    ({ world, params }) => {
      if (params.customer === undefined) throw missingParameter('customer')
      const { id: customer } = requireCustomer(world, params.customer)
      const configuration = params.configuration ?? defaultConfiguration(world)?.id ?? ''
      if (!portalConfigurations(world).has(configuration)) throw noSuch('configuration', configuration, 'configuration')
      const returnUrl = params.return_url ?? portalConfigurations(world).get(configuration)?.default_return_url ?? null
      const session = newPortalSession(world, customer, configuration, returnUrl, params.locale ?? null)
      portalSessions(world).put(session.id, session)
      return session
    },
  ),
  route(
    'POST /v1/billing_portal/configurations',
    z.strictObject({
      features: z.unknown(),
      default_return_url: clearable(webUrl).optional(),
      name: clearable(text).optional(),
      metadata,
      ...tolerated('business_profile', 'login_page'),
    }),
    ({ world, params }) => {
      const configuration = newConfiguration(world, {
        isDefault: false,
        returnUrl: params.default_return_url ?? null,
        name: params.name ?? null,
        metadata: params.metadata ?? {},
      })
      portalConfigurations(world).put(configuration.id, configuration)
      return configuration
    },
  ),
  route(
    'GET /v1/billing_portal/configurations',
    z.strictObject({ ...paging, active: flag.optional(), is_default: flag.optional() }),
    ({ world, params }) =>
      listPage(
        '/v1/billing_portal/configurations',
        [...portalConfigurations(world).values()].filter(
          ({ active, is_default: isDefault }) =>
            (params.active === undefined || params.active === active) &&
            (params.is_default === undefined || params.is_default === isDefault),
        ),
        params,
      ),
  ),
  route('GET /v1/billing_portal/configurations/:id', noParameters, ({ world, path: { id = '' } }) => {
    const configuration = portalConfigurations(world).get(id)
    if (configuration === undefined) throw notFound('configuration', id, 'configuration')
    return configuration
  }),
]

function defaultConfiguration(world: StripeWorld): PortalConfiguration | undefined {
  return [...portalConfigurations(world).values()].find((configuration) => configuration.is_default)
}

function newPortalSession(
  world: StripeWorld,
  customer: string,
  configuration: string,
  returnUrl: string | null,
  locale: string | null,
) {
  const id = newId('bps_1', 23)
  return {
    id,
    object: 'billing_portal.session' as const,
    configuration,
    created: seconds(world),
    customer,
    customer_account: null,
    flow: null,
    livemode: false as const,
    locale,
    on_behalf_of: null,
    return_url: returnUrl,
    url: world.pageUrl(`/portal/${id}`),
  }
}

function newConfiguration(
  world: StripeWorld,
  given: {
    isDefault: boolean
    returnUrl: string | null
    name: string | null
    metadata: Readonly<Record<string, string>>
  },
) {
  const now = seconds(world)
  return {
    id: newId('bpc_1', 23),
    object: 'billing_portal.configuration' as const,
    active: true,
    application: null,
    business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
    created: now,
    default_return_url: given.returnUrl,
    features: {
      customer_update: { allowed_updates: [], enabled: false },
      invoice_history: { enabled: true },
      payment_method_update: { enabled: false, payment_method_configuration: null },
      subscription_cancel: {
        cancellation_reason: { enabled: false, feedback_options: null, options: [] },
        enabled: true,
        mode: 'at_period_end' as const,
        proration_behavior: 'none' as const,
      },
      subscription_pause: { duration: { interval_options: [], type: 'indefinite' as const }, enabled: false },
      subscription_update: {
        billing_cycle_anchor: null,
        default_allowed_updates: [],
        enabled: false,
        products: [],
        proration_behavior: 'none' as const,
        schedule_at_period_end: { conditions: [] },
        trial_update_behavior: 'end_trial' as const,
      },
    },
    is_default: given.isDefault,
    livemode: false as const,
    login_page: { enabled: false, url: null },
    metadata: given.metadata,
    name: given.name,
    updated: now,
  }
}
