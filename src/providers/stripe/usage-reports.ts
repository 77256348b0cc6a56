import * as z from 'zod'
import type { Instant } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { UsageReportsCapability, UsageTotalQuery } from '../../core/ports/capabilities/usage-reports.js'
import type { MeterNames } from '../door/meter-names.js'
import type { StripeCall } from './call.js'
import { everyRow } from './every-row.js'
import { activeMeters } from './meters.js'

const summarySchema = z.object({ id: z.string(), start_time: z.number(), aggregated_value: z.number() })

const unitMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/**
 * Sums of what a meter counted, exact in whole Sparks. Stripe counts with a delay: usage that was just taken may be missing.
 *
 * @see https://docs.stripe.com/api/billing/meter-event-summary/list
 */
export function stripeUsageReports(call: StripeCall, eventName: MeterNames): UsageReportsCapability {
  const known = new Map<string, string>()

  const meterId = async (meter: string, name: string, options: CallOptions): Promise<string> => {
    if (!known.has(name)) for (const [event, { id }] of await activeMeters(call, options)) known.set(event, id)
    const id = known.get(name)
    if (id !== undefined) return id
    throw new BillingError('not_found', `Stripe has no active meter for the event name ${name}.`, {
      details: { meter, eventName: name },
    })
  }

  const summaries = async (
    { customerId: customer, meter, from, to, isShadow }: UsageTotalQuery,
    by: keyof typeof unitMs,
    options: CallOptions,
  ) => {
    const range = { start_time: seconds(from, by), end_time: seconds(to, by) }
    if (from >= to) throw new BillingError('invalid_range', 'The range must end after it starts.')
    const query = { customer, ...range, ...(by === 'minute' ? {} : { value_grouping_window: by }) }
    const name = eventName(meter, isShadow)
    const id = await meterId(meter, name, options)
    try {
      return await everyRow(summarySchema, (start) =>
        call.read(options, (client, request) =>
          client.billing.meters.listEventSummaries(id, { ...query, ...start }, request),
        ),
      )
    } catch (error) {
      // The meter may have been replaced by another of the same name.
      if (BillingError.is(error) && error.code === 'not_found') known.delete(name)
      throw error
    }
  }

  return {
    /** @throws BillingError `invalid_range`, `not_found`, `provider_response_invalid` for a sum that a JSON number cannot carry */
    async total(query, options) {
      const rows = await summaries(query, 'minute', options)
      return { sparks: rows.reduce((sparks, { aggregated_value: value }) => sparks + wholeSparks(value), 0n) }
    },
    /** @throws BillingError as `total` */
    async parts({ by, ...query }, options) {
      const rows = await summaries(query, by, options)
      return rows
        .map((row) => ({ startsAt: row.start_time * 1000, sparks: wholeSparks(row.aggregated_value) }))
        .sort((left, right) => left.startsAt - right.startsAt)
    },
  }
}

/** Beyond 2⁵³ a JSON number has lost digits, and a fraction was never ours: neither is near enough for money. */
function wholeSparks(value: number): bigint {
  if (Number.isSafeInteger(value)) return BigInt(value)
  throw new BillingError('provider_response_invalid', 'Stripe answered a sum that is not an exact whole number.', {
    details: { provider: 'stripe', value },
  })
}

function seconds(at: Instant, unit: keyof typeof unitMs): number {
  if (Number.isSafeInteger(at) && at % unitMs[unit] === 0) return at / 1000
  throw new BillingError('invalid_range', `Stripe sums whole ${unit}s: start and end on a full ${unit}.`, {
    details: { at },
  })
}
