import * as z from 'zod'
import { notFound } from './errors.js'
import { emit } from './events.js'
import { flag, isWithin, mergeMetadata, metadata, paging, text, timeRange } from './form.js'
import { listPage, noParameters, route } from './route.js'
import { newTaxRate, type TaxRate, taxRates } from './tax-rates.js'
import type { StripeWorld } from './world.js'

const described = {
  active: flag.optional(),
  country: text.optional(),
  description: text.optional(),
  jurisdiction: text.optional(),
  state: text.optional(),
  tax_type: text.optional(),
  metadata,
}

export const taxRateRoutes = [
  route(
    'POST /v1/tax_rates',
    z.strictObject({
      display_name: text,
      inclusive: flag,
      percentage: z
        .string()
        .regex(/^\d{1,3}(\.\d{1,4})?$/, 'Invalid decimal')
        .transform(Number),
      ...described,
    }),
    ({ world, params }) => {
      const rate = newTaxRate(world, params)
      taxRates(world).put(rate.id, rate)
      emit(world, 'tax_rate.created', rate)
      return rate
    },
  ),
  route(
    'GET /v1/tax_rates',
    z.strictObject({ ...paging, active: flag.optional(), inclusive: flag.optional(), created: timeRange.optional() }),
    ({ world, params }) =>
      listPage(
        '/v1/tax_rates',
        [...taxRates(world).values()].filter(
          (rate) =>
            (params.active === undefined || params.active === rate.active) &&
            (params.inclusive === undefined || params.inclusive === rate.inclusive) &&
            isWithin(params.created, rate.created),
        ),
        params,
      ),
  ),
  route('GET /v1/tax_rates/:id', noParameters, ({ world, path }) => requireRate(world, path.id)),
  route(
    'POST /v1/tax_rates/:id',
    z.strictObject({ ...described, display_name: text.optional() }),
    ({ world, path, params }) => {
      const before = requireRate(world, path.id)
      const after: TaxRate = {
        ...before,
        active: params.active ?? before.active,
        country: params.country ?? before.country,
        description: params.description ?? before.description,
        display_name: params.display_name ?? before.display_name,
        jurisdiction: params.jurisdiction ?? before.jurisdiction,
        state: params.state ?? before.state,
        tax_type: params.tax_type ?? before.tax_type,
        metadata: mergeMetadata(before.metadata, params.metadata),
      }
      taxRates(world).put(after.id, after)
      emit(world, 'tax_rate.updated', after)
      return after
    },
  ),
]

function requireRate(world: StripeWorld, id = ''): TaxRate {
  const rate = taxRates(world).get(id)
  if (rate === undefined) throw notFound('tax rate', id, 'tax_rate')
  return rate
}
