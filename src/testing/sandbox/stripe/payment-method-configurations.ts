import * as z from 'zod'
import { notFound } from './errors.js'
import { paging, text } from './form.js'
import { listPage, noParameters, route } from './route.js'
import { newId, type StripeWorld, tableOf } from './world.js'

type Preference = 'on' | 'off' | 'none'
type Configuration = ReturnType<typeof newConfiguration>

const configurations = tableOf<Configuration>('payment_method_configurations')

const setting = z.strictObject({
  display_preference: z.strictObject({ preference: z.enum(['on', 'off', 'none']) }).optional(),
})

/** Which types of payment method are offered; the sandbox's own, and a few more to show. */
export const paymentMethodConfigurationRoutes = [
  route(
    'GET /v1/payment_method_configurations',
    z.strictObject({ ...paging, application: text.optional() }),
    ({ world, params }) => {
      const own = params.application === undefined ? [standard(world), ...configurations(world).values()] : []
      const rows = new Map(own.map((each) => [each.id, each]))
      return listPage('/v1/payment_method_configurations', rows.values(), params)
    },
  ),
  route('GET /v1/payment_method_configurations/:id', noParameters, ({ world, path }) => required(world, path.id)),
  route(
    'POST /v1/payment_method_configurations/:id',
    z.strictObject({
      card: setting.optional(),
      link: setting.optional(),
      us_bank_account: setting.optional(),
      sepa_debit: setting.optional(),
      ideal: setting.optional(),
    }),
    ({ world, path, params }) => {
      const before = required(world, path.id)
      const changes = Object.entries(params).flatMap(([type, change]) => {
        const preference = change?.display_preference?.preference
        return preference === undefined ? [] : [[type, settingOf(preference)]]
      })
      const after: Configuration = { ...before, ...Object.fromEntries(changes) }
      configurations(world).put(after.id, after)
      return after
    },
  ),
]

/** The default one is there from the beginning. */
function standard(world: StripeWorld): Configuration {
  const [existing] = [...configurations(world).values()]
  if (existing) return existing
  const made = newConfiguration()
  configurations(world).put(made.id, made)
  return made
}

function required(world: StripeWorld, id = ''): Configuration {
  const found = configurations(world).get(id)
  if (found === undefined) throw notFound('payment method configuration', id, 'configuration')
  return found
}

function settingOf(preference: Preference) {
  const value = preference === 'on' ? ('on' as const) : ('off' as const)
  return { available: value === 'on', display_preference: { overridable: null, preference, value } }
}

function newConfiguration() {
  return {
    id: newId('pmc_'),
    object: 'payment_method_configuration' as const,
    active: true,
    application: null,
    card: settingOf('on'),
    ideal: settingOf('off'),
    is_default: true,
    link: settingOf('off'),
    livemode: false,
    name: 'Default',
    parent: null,
    sepa_debit: settingOf('on'),
    us_bank_account: settingOf('on'),
  }
}
