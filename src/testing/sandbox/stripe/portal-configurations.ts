import * as z from 'zod'
import { invalidRequest, noSuch, notFound } from './errors.js'
import { emit } from './events.js'
import { clearable, count, flag, list, mergeMetadata, metadata, paging, text, tolerated, webUrl } from './form.js'
import { prices } from './prices.js'
import { listPage, noParameters, route } from './route.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type PortalConfiguration = ReturnType<typeof newConfiguration>
export type PortalFeatures = ReturnType<typeof mergeFeatures>

export const portalConfigurations = tableOf<PortalConfiguration>('portal_configurations')

const prorations = z.enum(['none', 'always_invoice', 'create_prorations'], 'Invalid proration_behavior')
const reasons = z.enum([
  'customer_service',
  'low_quality',
  'missing_features',
  'other',
  'switched_service',
  'too_complex',
  'too_expensive',
  'unused',
])

const features = z.strictObject({
  customer_update: z
    .strictObject({
      enabled: flag,
      allowed_updates: clearable(list(z.enum(['address', 'email', 'name', 'phone', 'shipping', 'tax_id']))).optional(),
    })
    .optional(),
  invoice_history: z.strictObject({ enabled: flag }).optional(),
  payment_method_update: z.strictObject({ enabled: flag, ...tolerated('payment_method_configuration') }).optional(),
  subscription_cancel: z
    .strictObject({
      enabled: flag,
      mode: z.enum(['at_period_end', 'immediately'], 'Invalid mode').optional(),
      proration_behavior: prorations.optional(),
      cancellation_reason: z
        .strictObject({ enabled: flag, options: clearable(list(reasons)), ...tolerated('feedback_options') })
        .optional(),
    })
    .optional(),
  subscription_pause: z.strictObject({ enabled: flag.optional(), ...tolerated('duration') }).optional(),
  subscription_update: z
    .strictObject({
      enabled: flag,
      billing_cycle_anchor: z.enum(['now', 'unchanged']).optional(),
      default_allowed_updates: clearable(list(z.enum(['price', 'promotion_code', 'quantity']))).optional(),
      products: clearable(
        list(
          z.strictObject({
            product: text,
            prices: list(text),
            adjustable_quantity: z
              .strictObject({ enabled: flag, minimum: count.optional(), maximum: count.optional() })
              .optional(),
          }),
        ),
      ).optional(),
      proration_behavior: prorations.optional(),
      schedule_at_period_end: z
        .strictObject({
          conditions: list(
            z.strictObject({ type: z.enum(['decreasing_item_amount', 'shortening_interval']) }),
          ).optional(),
        })
        .optional(),
      trial_update_behavior: z.enum(['continue_trial', 'end_trial']).optional(),
    })
    .optional(),
})

type FeaturesRequest = z.output<typeof features>

const described = {
  business_profile: z
    .strictObject({
      headline: clearable(text.max(60)).optional(),
      privacy_policy_url: webUrl.optional(),
      terms_of_service_url: webUrl.optional(),
    })
    .optional(),
  default_return_url: clearable(webUrl).optional(),
  login_page: z.strictObject({ enabled: flag }).optional(),
  metadata,
  name: clearable(text).optional(),
}

/** Every account has a configuration to start with, as after a first visit to the dashboard. */
export function ensureDefaultConfiguration(world: StripeWorld): void {
  if (portalConfigurations(world).size > 0) return
  const configuration = newConfiguration(world, { features: usualFeatures }, true)
  portalConfigurations(world).put(configuration.id, configuration)
}

export function defaultConfiguration(world: StripeWorld): PortalConfiguration | undefined {
  return [...portalConfigurations(world).values()].find((configuration) => configuration.is_default)
}

export const portalConfigurationRoutes = [
  route('POST /v1/billing_portal/configurations', z.strictObject({ features, ...described }), ({ world, params }) => {
    checkFeatures(world, params.features)
    const configuration = newConfiguration(world, params, false)
    portalConfigurations(world).put(configuration.id, configuration)
    emit(world, 'billing_portal.configuration.created', configuration)
    return configuration
  }),
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
  route('GET /v1/billing_portal/configurations/:id', noParameters, ({ world, path }) => requireOne(world, path.id)),
  route(
    'POST /v1/billing_portal/configurations/:id',
    z.strictObject({ active: flag.optional(), features: features.optional(), ...described }),
    ({ world, path, params }) => {
      const before = requireOne(world, path.id)
      if (before.is_default && params.active === false) {
        throw invalidRequest('You cannot deactivate the default configuration.', { param: 'active' })
      }
      if (params.features !== undefined) checkFeatures(world, params.features)
      const profile = params.business_profile
      const after: PortalConfiguration = {
        ...before,
        active: params.active ?? before.active,
        business_profile: {
          headline: profile?.headline === undefined ? before.business_profile.headline : profile.headline,
          privacy_policy_url: profile?.privacy_policy_url ?? before.business_profile.privacy_policy_url,
          terms_of_service_url: profile?.terms_of_service_url ?? before.business_profile.terms_of_service_url,
        },
        default_return_url:
          params.default_return_url === undefined ? before.default_return_url : params.default_return_url,
        features: mergeFeatures(before.features, params.features ?? {}),
        metadata: mergeMetadata(before.metadata, params.metadata),
        name: params.name === undefined ? before.name : params.name,
        updated: seconds(world),
      }
      portalConfigurations(world).put(after.id, after)
      emit(world, 'billing_portal.configuration.updated', after)
      return after
    },
  ),
]

function requireOne(world: StripeWorld, id = ''): PortalConfiguration {
  const configuration = portalConfigurations(world).get(id)
  if (configuration === undefined) throw notFound('configuration', id, 'configuration')
  return configuration
}

function checkFeatures(world: StripeWorld, given: FeaturesRequest): void {
  const update = given.subscription_update
  if (update?.enabled === true && (update.products ?? []).length === 0) {
    throw invalidRequest('You must provide `products` when the subscription update feature is enabled.', {
      code: 'parameter_missing',
      param: 'features[subscription_update][products]',
    })
  }
  for (const [index, { product, prices: ids }] of (update?.products ?? []).entries()) {
    for (const [position, id] of ids.entries()) {
      const at = `features[subscription_update][products][${index}][prices][${position}]`
      const price = prices(world).get(id)
      if (price === undefined) throw noSuch('price', id, at)
      if (price.product !== product)
        throw invalidRequest(`The price ${id} does not belong to the product ${product}.`, { param: at })
    }
  }
}

const noFeatures = {
  customer_update: { allowed_updates: [] as readonly string[], enabled: false },
  invoice_history: { enabled: false },
  payment_method_update: { enabled: false, payment_method_configuration: null },
  subscription_cancel: {
    cancellation_reason: { enabled: false, feedback_options: null, options: [] as readonly string[] },
    enabled: false,
    mode: 'at_period_end' as 'at_period_end' | 'immediately',
    proration_behavior: 'none' as z.output<typeof prorations>,
  },
  subscription_pause: { duration: { interval_options: [], type: 'indefinite' as const }, enabled: false },
  subscription_update: {
    billing_cycle_anchor: null as 'now' | 'unchanged' | null,
    default_allowed_updates: [] as readonly string[],
    enabled: false,
    products: [] as readonly {
      readonly adjustable_quantity: {
        readonly enabled: boolean
        readonly maximum: number | null
        readonly minimum: number
      }
      readonly prices: readonly string[]
      readonly product: string
    }[],
    proration_behavior: 'none' as z.output<typeof prorations>,
    schedule_at_period_end: { conditions: [] as readonly { readonly type: string }[] },
    trial_update_behavior: 'end_trial' as 'end_trial' | 'continue_trial',
  },
}

const usualFeatures: FeaturesRequest = {
  invoice_history: { enabled: true },
  payment_method_update: { enabled: true },
  subscription_cancel: { enabled: true },
}

/** Features that are named replace those of before, field by field. */
function mergeFeatures(before: typeof noFeatures, given: FeaturesRequest): typeof noFeatures {
  const { customer_update: customer, subscription_cancel: cancel, subscription_update: update } = given
  return {
    customer_update: {
      allowed_updates: customer?.allowed_updates ?? before.customer_update.allowed_updates,
      enabled: customer?.enabled ?? before.customer_update.enabled,
    },
    invoice_history: given.invoice_history ?? before.invoice_history,
    payment_method_update: {
      ...before.payment_method_update,
      enabled: given.payment_method_update?.enabled ?? before.payment_method_update.enabled,
    },
    subscription_cancel: {
      cancellation_reason: {
        enabled: cancel?.cancellation_reason?.enabled ?? before.subscription_cancel.cancellation_reason.enabled,
        feedback_options: null,
        options: cancel?.cancellation_reason?.options ?? before.subscription_cancel.cancellation_reason.options,
      },
      enabled: cancel?.enabled ?? before.subscription_cancel.enabled,
      mode: cancel?.mode ?? before.subscription_cancel.mode,
      proration_behavior: cancel?.proration_behavior ?? before.subscription_cancel.proration_behavior,
    },
    subscription_pause: {
      ...before.subscription_pause,
      enabled: given.subscription_pause?.enabled ?? before.subscription_pause.enabled,
    },
    subscription_update: {
      billing_cycle_anchor: update?.billing_cycle_anchor ?? before.subscription_update.billing_cycle_anchor,
      default_allowed_updates: update?.default_allowed_updates ?? before.subscription_update.default_allowed_updates,
      enabled: update?.enabled ?? before.subscription_update.enabled,
      products:
        update?.products?.map(({ product, prices: ids, adjustable_quantity: quantity }) => ({
          adjustable_quantity: {
            enabled: quantity?.enabled ?? false,
            maximum: quantity?.maximum ?? null,
            minimum: quantity?.minimum ?? 1,
          },
          prices: ids,
          product,
        })) ?? before.subscription_update.products,
      proration_behavior: update?.proration_behavior ?? before.subscription_update.proration_behavior,
      schedule_at_period_end: {
        conditions:
          update?.schedule_at_period_end?.conditions ?? before.subscription_update.schedule_at_period_end.conditions,
      },
      trial_update_behavior: update?.trial_update_behavior ?? before.subscription_update.trial_update_behavior,
    },
  }
}

const creatable = z.strictObject({ features, ...described })

function newConfiguration(world: StripeWorld, given: z.output<typeof creatable>, isDefault: boolean) {
  const now = seconds(world)
  const id = newId('bpc_1', 23)
  return {
    id,
    object: 'billing_portal.configuration' as const,
    active: true,
    application: null,
    business_profile: {
      headline: given.business_profile?.headline ?? null,
      privacy_policy_url: given.business_profile?.privacy_policy_url ?? null,
      terms_of_service_url: given.business_profile?.terms_of_service_url ?? null,
    },
    created: now,
    default_return_url: given.default_return_url ?? null,
    features: mergeFeatures(noFeatures, given.features),
    is_default: isDefault,
    livemode: false as const,
    login_page: { enabled: given.login_page?.enabled ?? false, url: null },
    metadata: (given.metadata ?? {}) as Readonly<Record<string, string>>,
    name: given.name ?? null,
    updated: now,
  }
}
