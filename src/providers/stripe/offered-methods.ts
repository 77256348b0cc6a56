import * as z from 'zod'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { MethodUse, OfferedMethod } from '../../core/ports/capabilities/payment-methods.js'
import { parseAnswer, type StripeCall } from './call.js'
import { everyRow } from './every-row.js'

/** Where a type of payment method is offered: an app's own word about it. */
export type MethodCountries = Readonly<Record<string, readonly string[]>>

const configurationSchema = z
  .object({ id: z.string().min(1), active: z.boolean(), is_default: z.boolean(), application: z.string().nullish() })
  .loose()
const settingSchema = z.object({ available: z.boolean() })

type Facts = Omit<OfferedMethod, 'type'>

const reusable: readonly MethodUse[] = ['payment', 'subscription', 'off_session']
const once: readonly MethodUse[] = ['payment']
const everywhere = { countries: null, currencies: null }

function only(uses: readonly MethodUse[], currencies: readonly string[], countries: readonly string[] | null): Facts {
  return { uses, currencies, countries }
}

const sepa =
  'AD AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MT NL NO PL PT RO SE SI SK SM VA'.split(
    ' ',
  )

/** @see https://docs.stripe.com/payments/payment-methods/payment-method-support */
const facts: ReadonlyMap<string, Facts> = new Map<string, Facts>([
  ['card', { uses: reusable, ...everywhere }],
  ['link', { uses: reusable, ...everywhere }],
  ['apple_pay', { uses: reusable, ...everywhere }],
  ['google_pay', { uses: reusable, ...everywhere }],
  ['us_bank_account', only(reusable, ['USD'], ['US'])],
  ['sepa_debit', only(reusable, ['EUR'], sepa)],
  ['bacs_debit', only(reusable, ['GBP'], ['GB'])],
  ['au_becs_debit', only(reusable, ['AUD'], ['AU'])],
  ['acss_debit', only(reusable, ['CAD', 'USD'], ['CA', 'US'])],
  ['cashapp', only(reusable, ['USD'], ['US'])],
  ['ideal', only(once, ['EUR'], ['NL'])],
  ['bancontact', only(once, ['EUR'], ['BE'])],
  ['eps', only(once, ['EUR'], ['AT'])],
  ['p24', only(once, ['EUR', 'PLN'], ['PL'])],
])

/** What is not known of a type is the least: a single payment, wherever Stripe shows it. */
const unknown: Facts = { uses: once, ...everywhere }

/**
 * The types of payment method that are switched on in the Dashboard, by the default configuration, which checkout follows too.
 *
 * @see https://docs.stripe.com/payments/payment-method-configurations
 */
export async function offeredMethods(
  call: StripeCall,
  countriesOf: MethodCountries,
  options: CallOptions,
): Promise<readonly OfferedMethod[]> {
  const rows = await everyRow(configurationSchema, (start) =>
    call.read(options, (client, request) => client.paymentMethodConfigurations.list({ ...start }, request)),
  )
  // That of a platform is for its own accounts.
  const configuration = rows.find(
    ({ is_default: isDefault, active, application }) => isDefault && active && !application,
  )
  if (!configuration) return []
  return Object.entries(parseAnswer(configurationSchema, configuration)).flatMap(([type, setting]): OfferedMethod[] => {
    const parsed = settingSchema.safeParse(setting)
    if (!parsed.success || !parsed.data.available) return []
    const known = facts.get(type) ?? unknown
    return [{ type, ...known, countries: countriesOf[type] ?? known.countries }]
  })
}
