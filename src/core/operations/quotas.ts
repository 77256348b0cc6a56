import * as z from 'zod'
import type { Catalog, MeterName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { currentQuota } from '../domain/ledger/current-quota.js'
import { BillingError } from '../errors.js'
import { accountId, accountSchema, meterName, parse } from './fields.js'
import { type QuotaView, quotaView } from './quota-view.js'
import { requireSnapshot } from './steps.js'

const getQuotaSchema = z.strictObject({ accountId, meter: meterName })

/**
 * Where an account stands on a meter in its current period.
 *
 * @throws BillingError `not_found` for an unknown account or meter
 */
export async function getQuota<C extends Catalog>(
  ctx: BillingContext,
  input: { readonly accountId: string; readonly meter: MeterName<C> },
): Promise<QuotaView> {
  const request = parse(getQuotaSchema, input)
  if (!ctx.catalog.meters.has(request.meter)) throw new BillingError('not_found', 'The catalog has no such meter.')
  const { account, counters, now } = await requireSnapshot(ctx, request.accountId)
  return quotaView(currentQuota(ctx.catalog, account, counters, request.meter, now))
}

/**
 * Where an account stands on each meter of the catalog in its current period.
 *
 * @throws BillingError `not_found`
 */
export async function listQuotas(
  ctx: BillingContext,
  input: { readonly accountId: string },
): Promise<readonly QuotaView[]> {
  const request = parse(accountSchema, input)
  const { account, counters, now } = await requireSnapshot(ctx, request.accountId)
  return [...ctx.catalog.meters.keys()].map((meter) =>
    quotaView(currentQuota(ctx.catalog, account, counters, meter, now)),
  )
}
