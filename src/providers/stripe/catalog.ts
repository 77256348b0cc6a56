import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { CatalogCapability, ProviderCatalog } from '../../core/ports/capabilities/catalog.js'
import { type CatalogStep, catalogBySteps } from '../door/catalog-steps.js'
import { withoutKey } from '../door/door.js'
import type { MeterNames } from '../door/meter-names.js'
import { parseAnswer, type StripeCall } from './call.js'
import { everyRow } from './every-row.js'
import { activeMeters, inactiveMeters, type StripeMeter } from './meters.js'
import type { PortalConfigurations } from './portal-configuration.js'
import { findProduct, type StripePriceList, type WantedPrice, wantedPrices } from './prices.js'

const createdSchema = z.object({ id: z.string().min(1) })
const productSchema = z.object({ id: z.string().min(1), name: z.string() })
const pricedSchema = z.object({ id: z.string().min(1), lookup_key: z.string().nullish() })

/**
 * Meters, products and prices of our catalog at Stripe. A price that changes is another price with another lookup key; the one before is
 * archived, and whoever subscribed under it keeps it. What is taken out of the catalog is archived in the same way.
 *
 * @see https://docs.stripe.com/products-prices/manage-prices
 */
export function stripeCatalog(
  call: StripeCall,
  prices: StripePriceList,
  eventName: MeterNames,
  portal: PortalConfigurations | null = null,
): CatalogCapability {
  return catalogBySteps(async (catalog, options) => {
    // Meters first: prices name them.
    const meters = await meterSteps(call, catalog, eventName, options)
    const priced = await priceSteps(call, catalog, prices, options)
    // After the prices that it names, and only by who sells them.
    const portalStep = catalog.retires ? await portal?.step(catalog, options) : null
    return [...meters, ...priced, ...(portalStep ? [portalStep] : [])]
  })
}

async function meterSteps(
  call: StripeCall,
  { meters }: ProviderCatalog,
  eventName: MeterNames,
  options: CallOptions,
): Promise<readonly CatalogStep[]> {
  const active = await activeMeters(call, options)
  const missing = meters.filter(({ name, isShadow }) => !active.has(eventName(name, isShadow)))
  for (const { name, isShadow } of meters) {
    const meter = active.get(eventName(name, isShadow))
    if (meter) refuseOther(meter)
  }
  const inactive = missing.length === 0 ? [] : await inactiveMeters(call, options)
  return missing.map(({ name, isShadow = false }): CatalogStep => {
    const event = eventName(name, isShadow)
    const detail = `event name ${event}`
    // Prices name their meter: another one would leave what is sold by this one uncounted.
    const before = inactive.find((meter) => meter.event_name === event && sumsUsage(meter))
    if (before) {
      const change = {
        action: 'update',
        object: 'meter',
        name,
        externalId: before.id,
        detail: `${detail}: is counted again`,
      } as const
      return { change, apply: () => reactivateMeter(call, before, options) }
    }
    const change = { action: 'create', object: 'meter', name, externalId: null, detail } as const
    return { change, apply: () => createMeter(call, isShadow ? `${name} (shadow)` : name, event, options) }
  })
}

/** @see https://docs.stripe.com/api/billing/meter/reactivate */
async function reactivateMeter(call: StripeCall, { id, event_name: event }: StripeMeter, options: CallOptions) {
  try {
    await call.write(withoutKey(options), (client, request) => client.billing.meters.reactivate(id, {}, request))
    return id
  } catch (error) {
    // Someone else may have done it in the meantime.
    const meter = (await activeMeters(call, options)).get(event)
    if (meter === undefined) throw error
    return meter.id
  }
}

/** @see https://docs.stripe.com/api/billing/meter/create */
async function createMeter(call: StripeCall, name: string, event: string, options: CallOptions): Promise<string> {
  try {
    const created = await call.create({ ...options, idempotencyKey: `billfold-meter:${event}` }, (client, request) =>
      client.billing.meters.create(
        {
          display_name: name,
          event_name: event,
          default_aggregation: { formula: 'sum' },
          customer_mapping: { type: 'by_id', event_payload_key: 'stripe_customer_id' },
          value_settings: { event_payload_key: 'value' },
        },
        request,
      ),
    )
    return parseAnswer(createdSchema, created).id
  } catch (error) {
    // Someone else may have made it in the meantime, or we may have, and the answer was lost.
    const meter = (await activeMeters(call, options)).get(event)
    if (meter === undefined) throw error
    refuseOther(meter)
    return meter.id
  }
}

/** Whether it counts as this provider reports. */
function sumsUsage(meter: StripeMeter): boolean {
  return (
    meter.default_aggregation.formula === 'sum' &&
    meter.customer_mapping.event_payload_key === 'stripe_customer_id' &&
    meter.value_settings.event_payload_key === 'value' &&
    (meter.event_time_window ?? null) === null
  )
}

function refuseOther(meter: StripeMeter): void {
  if (sumsUsage(meter)) return
  throw new BillingError(
    'config_invalid',
    `Stripe's meter ${meter.id} (${meter.event_name}) does not sum \`value\` by \`stripe_customer_id\`: deactivate it or use another name.`,
    { details: { meterId: meter.id, eventName: meter.event_name } },
  )
}

async function priceSteps(
  call: StripeCall,
  catalog: ProviderCatalog,
  prices: StripePriceList,
  options: CallOptions,
): Promise<readonly CatalogStep[]> {
  const wanted = new Map(catalog.prices.flatMap(wantedPrices).map((price) => [price.lookupKey, price]))
  const products = new Map([...wanted.values()].map(({ product }) => [product.id, product]))
  const there = new Set<string>()
  const steps: CatalogStep[] = []
  for (const { id, name } of products.values()) {
    const product = await findProduct(call, id, options)
    if (!product) continue
    if (product.name !== name) steps.push(renaming(call, { id, name, before: product.name }, options))
    if (!product.active) steps.push(switching(call, { id, name }, true, options))
    for (const row of await activePrices(call, id, options)) {
      const key = row.lookup_key ?? ''
      if (wanted.has(key)) there.add(key)
      else if (key.startsWith('billfold:')) steps.push(archiving(call, prices, { id: row.id, key, name }, options))
    }
  }
  if (catalog.retires) steps.push(...(await retirements(call, prices, new Set(products.keys()), options)))
  const missing = [...wanted.values()].filter(({ lookupKey }) => !there.has(lookupKey))
  return [...missing.map((price) => creation(prices, price, options)), ...steps]
}

function activePrices(call: StripeCall, product: string, options: CallOptions) {
  return everyRow(pricedSchema, (start) =>
    call.read(options, (client, request) => client.prices.list({ product, active: true, ...start }, request)),
  )
}

/** Products of ours that nothing in the catalog is sold as any more: their prices first, so that none can be sold meanwhile. */
async function retirements(
  call: StripeCall,
  prices: StripePriceList,
  sold: ReadonlySet<string>,
  options: CallOptions,
): Promise<readonly CatalogStep[]> {
  const products = await everyRow(productSchema, (start) =>
    call.read(options, (client, request) => client.products.list({ active: true, ...start }, request)),
  )
  const steps: CatalogStep[] = []
  for (const { id, name } of products) {
    if (sold.has(id) || !/^billfold_(plan|meter)_/.test(id)) continue
    for (const { id: priceId, lookup_key: key } of await activePrices(call, id, options))
      if (key?.startsWith('billfold:')) steps.push(archiving(call, prices, { id: priceId, key, name }, options))
    steps.push(switching(call, { id, name }, false, options))
  }
  return steps
}

function creation(prices: StripePriceList, price: WantedPrice, options: CallOptions): CatalogStep {
  const { lookupKey, product, amount, currency, interval } = price
  const detail = `${amount} minor units of ${currency.toUpperCase()} a ${interval}, lookup key ${lookupKey}`
  const change = { action: 'create', object: 'price', name: product.name, externalId: null, detail } as const
  return { change, apply: () => prices.sell(price, options) }
}

/** New subscriptions do not get it; those there are keep it. */
function archiving(
  call: StripeCall,
  prices: StripePriceList,
  { id, key, name }: { readonly id: string; readonly key: string; readonly name: string },
  options: CallOptions,
): CatalogStep {
  const change = { action: 'archive', object: 'price', name, externalId: id, detail: `lookup key ${key}` } as const
  const apply = async () => {
    await call.write(options, (client, request) => client.prices.update(id, { active: false }, request))
    prices.forget()
    return id
  }
  return { change, apply }
}

/** A product that is sold again, or not any more. */
function switching(
  call: StripeCall,
  { id, name }: { readonly id: string; readonly name: string },
  active: boolean,
  options: CallOptions,
): CatalogStep {
  const detail = active ? 'is sold again' : 'is not in the catalog any more'
  const action = active ? 'update' : 'archive'
  const change = { action, object: 'product', name, externalId: id, detail } as const
  const apply = async () => {
    await call.write(options, (client, request) => client.products.update(id, { active }, request))
    return id
  }
  return { change, apply }
}

function renaming(
  call: StripeCall,
  { id, name, before }: { readonly id: string; readonly name: string; readonly before: string },
  options: CallOptions,
): CatalogStep {
  const change = { action: 'update', object: 'product', name, externalId: id, detail: `was ${before}` } as const
  const apply = async () => {
    await call.write(options, (client, request) => client.products.update(id, { name }, request))
    return id
  }
  return { change, apply }
}
