import { noSuch } from './errors.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type TaxRate = ReturnType<typeof newTaxRate>

export const taxRates = tableOf<TaxRate>('tax_rates')

export interface TaxRateRequest {
  readonly display_name: string
  readonly percentage: number
  readonly inclusive: boolean
  readonly active?: boolean | undefined
  readonly country?: string | undefined
  readonly state?: string | undefined
  readonly description?: string | undefined
  readonly jurisdiction?: string | undefined
  readonly tax_type?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** Standard rates of some places: enough for automatic tax to make a difference. */
const standardRates: Readonly<Record<string, readonly [percentage: number, name: string]>> = {
  AT: [20, 'VAT'],
  AU: [10, 'GST'],
  BE: [21, 'VAT'],
  CA: [5, 'GST'],
  CH: [8.1, 'VAT'],
  DE: [19, 'VAT'],
  DK: [25, 'VAT'],
  ES: [21, 'VAT'],
  FR: [20, 'VAT'],
  GB: [20, 'VAT'],
  IE: [23, 'VAT'],
  IT: [22, 'VAT'],
  JP: [10, 'JCT'],
  NL: [21, 'VAT'],
  SE: [25, 'VAT'],
  'US-CA': [7.25, 'Sales Tax'],
  'US-FL': [6, 'Sales Tax'],
  'US-NY': [8.875, 'Sales Tax'],
  'US-TX': [6.25, 'Sales Tax'],
  'US-WA': [6.5, 'Sales Tax'],
}

export interface TaxLocation {
  readonly country: string | null
  readonly state: string | null
}

/** Automatic tax needs to know where the customer is. */
export function isLocated(address: TaxLocation | null): boolean {
  return address !== null && address.country !== null
}

/** The rate where the customer is, made when first needed; nothing where no tax is due. */
export function automaticRate(
  world: StripeWorld,
  address: TaxLocation | null,
  inclusive: boolean,
): TaxRate | undefined {
  if (address?.country == null) return undefined
  const country = address.country.toUpperCase()
  const state = address.state?.toUpperCase() ?? ''
  const found = standardRates[`${country}-${state}`] ?? standardRates[country]
  if (found === undefined) return undefined
  const [percentage, name] = found
  const made = [...taxRates(world).values()].find(
    (rate) =>
      rate.metadata.sandbox === 'automatic' &&
      rate.country === country &&
      (rate.state ?? '') === (country === 'US' ? state : '') &&
      rate.inclusive === inclusive,
  )
  if (made !== undefined) return made
  const rate = newTaxRate(world, {
    display_name: name,
    percentage,
    inclusive,
    country,
    ...(country === 'US' ? { state } : {}),
    tax_type: name === 'Sales Tax' ? 'sales_tax' : name.toLowerCase(),
    metadata: { sandbox: 'automatic' },
    active: false,
  })
  taxRates(world).put(rate.id, rate)
  return rate
}

/** Ids of rates named in the parameters, each of which exists. */
export function requireRates(
  world: StripeWorld,
  ids: readonly string[],
  param = 'default_tax_rates',
): readonly string[] {
  for (const [index, id] of ids.entries()) {
    if (!taxRates(world).has(id)) throw noSuch('tax rate', id, `${param}[${index}]`)
  }
  return ids
}

export function newTaxRate(world: StripeWorld, given: TaxRateRequest) {
  return {
    id: newId('txr_1', 23),
    object: 'tax_rate' as const,
    active: given.active ?? true,
    country: given.country ?? null,
    created: seconds(world),
    description: (given.description ?? null) as string | null,
    display_name: given.display_name,
    effective_percentage: given.percentage as number | null,
    flat_amount: null,
    inclusive: given.inclusive,
    jurisdiction: (given.jurisdiction ?? null) as string | null,
    jurisdiction_level: null,
    livemode: false as const,
    metadata: (given.metadata ?? {}) as Readonly<Record<string, string>>,
    percentage: given.percentage,
    rate_type: 'percentage' as const,
    state: given.state ?? null,
    tax_type: given.tax_type ?? null,
  }
}
