import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { UsageReportsCapability, UsageTotalQuery } from '../../core/ports/capabilities/usage-reports.js'
import type { MeterNames } from '../door/meter-names.js'
import { type LagoCall, part } from './call.js'
import { everyPage } from './every-page.js'
import { metricOf, sparksProperty } from './metrics.js'
import { lagoPeriodUsage } from './period-usage.js'
import type { UsageLine } from './usage-line.js'

const eventSchema = z.object({
  lago_id: z.string().nullish(),
  timestamp: z.string(),
  properties: z.record(z.string(), z.unknown()).nullish(),
})

const unitMs = { hour: 3_600_000, day: 86_400_000 } as const

/**
 * Sums of the events that Lago has, exact in whole Sparks. Lago itself sums by billing periods alone, so its events are read, and what
 * is there twice counts twice, as it does on a bill.
 *
 * @see https://docs.getlago.com/api-reference/events/list
 */
export function lagoUsageReports(
  call: LagoCall,
  line: UsageLine,
  codeOf: MeterNames,
  currency: string,
): Required<UsageReportsCapability> {
  const usage = async ({ customerId, meter, from, to, isShadow }: UsageTotalQuery, options: CallOptions) => {
    if (!(from < to)) throw new BillingError('invalid_range', 'The range must end after it starts.')
    const code = codeOf(meter, isShadow)
    const lineId = line.idOf(customerId)
    const query = {
      external_subscription_id: lineId,
      code,
      timestamp_from: new Date(from).toISOString(),
      timestamp_to: new Date(to).toISOString(),
    }
    const rows = await everyPage(
      'events',
      eventSchema,
      ({ lago_id: id }) => id ?? null,
      (page) => call.read(options, (client, request) => client.events.findAllEvents({ ...query, ...page }, request)),
    )
    // Nothing is also what Lago answers for a metric or a customer that it does not have.
    if (rows.length === 0) await Promise.all([metricOf(call, code, options), expectLine(call, lineId, options)])
    // Lago's end belongs to the range, ours does not.
    return rows
      .map(({ timestamp, properties }) => ({ at: Date.parse(timestamp), sparks: wholeSparks(properties) }))
      .filter(({ at }) => at >= from && at < to)
  }

  return {
    /** @throws BillingError `invalid_range`, `not_found`, `provider_response_invalid` for an event without whole Sparks */
    async total(query, options) {
      return { sparks: (await usage(query, options)).reduce((sum, { sparks }) => sum + sparks, 0n) }
    },
    /** @throws BillingError as `total` */
    async parts({ by, ...query }, options) {
      const sums = new Map<number, bigint>()
      for (const { at, sparks } of await usage(query, options)) {
        const startsAt = Math.floor(at / unitMs[by]) * unitMs[by]
        sums.set(startsAt, (sums.get(startsAt) ?? 0n) + sparks)
      }
      return [...sums]
        .map(([startsAt, sparks]) => ({ startsAt, sparks }))
        .sort((left, right) => left.startsAt - right.startsAt)
    },
    periods: lagoPeriodUsage(call, line, codeOf, currency),
  }
}

async function expectLine(call: LagoCall, lineId: string, options: CallOptions): Promise<void> {
  await call.read(options, (client, request) => client.subscriptions.findSubscription(part(lineId), {}, request))
}

function wholeSparks(properties: Readonly<Record<string, unknown>> | null | undefined): bigint {
  const value = properties?.[sparksProperty]
  if (typeof value === 'string' && /^-?\d{1,40}$/.test(value)) return BigInt(value)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  throw new BillingError('provider_response_invalid', 'Lago has an event whose Sparks are no whole number.', {
    details: { provider: 'lago', value: String(value) },
  })
}
