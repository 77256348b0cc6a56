import * as z from 'zod'
import type { RefusedUsage } from '../../../core/ports/capabilities/webhooks.js'
import { parseAnswer } from '../call.js'

/** The types that say that usage was taken and could not be counted. They come as thin events only. */
export const meterErrorTypes: ReadonlySet<string> = new Set([
  'v1.billing.meter.error_report_triggered',
  'v1.billing.meter.no_meter_found',
])

const reportSchema = z.object({
  data: z.object({
    reason: z.object({
      error_count: z.number(),
      error_types: z.array(
        z.object({
          code: z.string(),
          error_count: z.number(),
          sample_errors: z
            .array(
              z.object({
                error_message: z.string().nullish(),
                request: z.object({ identifier: z.string().nullish() }).nullish(),
              }),
            )
            .nullish(),
        }),
      ),
    }),
  }),
})

/**
 * What a report of errors says. Its samples are not a list of all that was refused.
 *
 * @see https://docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api#handle-meter-event-errors
 * @throws BillingError `provider_response_invalid`
 */
export function refusedUsage(event: unknown): RefusedUsage {
  const { reason } = parseAnswer(reportSchema, event).data
  const samples = reason.error_types.flatMap(({ sample_errors: errors }) => errors ?? [])
  return {
    count: reason.error_count,
    reasons: reason.error_types.map(({ code, error_count: count }) => `${code} (${count})`),
    identifiers: samples.flatMap(({ request }) => request?.identifier ?? []),
  }
}
