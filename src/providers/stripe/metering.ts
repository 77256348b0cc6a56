import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { MeteringCapability, ReportOutcome, UsageReport } from '../../core/ports/capabilities/metering.js'
import type { MeterNames } from '../door/meter-names.js'
import { takeTurns } from '../door/turns.js'
import type { StripeCall } from './call.js'
import { meterEventLimits, outcomeOf, problemWith } from './report-outcome.js'

/** The most requests under way at once; Stripe takes one at a time per customer and meter. */
const maximumInFlight = 16

/**
 * Usage as meter events: one v1 event per report, of whole Sparks, under the report's own identifier.
 *
 * The identifier is what makes a repeat harmless, so these calls carry no idempotency key of ours: under such a key Stripe would
 * replay a stored 500 for a day, and the report would never arrive. Stripe takes an event first and checks parts of it later;
 * `delivered` means that it was taken.
 *
 * @see https://docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api
 * @see https://docs.stripe.com/api/billing/meter-event/create
 */
export function stripeMetering(call: StripeCall, eventName: MeterNames): MeteringCapability {
  const inTurn = takeTurns(maximumInFlight)
  return {
    ...meterEventLimits,
    takesShadows: true,
    /**
     * @throws BillingError `provider_authentication`, when the key is refused: it would be for every report. Those sent before
     * are recognised when they are sent again.
     */
    async report(reports, options) {
      let refused: BillingError | undefined
      const send = (report: UsageReport) => async (): Promise<ReportOutcome> => {
        if (refused !== undefined || options.signal?.aborted)
          return { status: 'retry', reason: 'Not sent: the sending was stopped.' }
        try {
          return await sendReport(call, eventName(report.meter, report.isShadow), report, options)
        } catch (error) {
          if (!BillingError.is(error) || error.code !== 'provider_authentication') throw error
          refused = error
          return { status: 'retry', reason: error.message }
        }
      }
      const lane = ({ customerId, meter, isShadow }: UsageReport) =>
        JSON.stringify([customerId, eventName(meter, isShadow)])
      const outcomes = await Promise.all(reports.map((report) => inTurn(lane(report), send(report))))
      if (refused !== undefined) throw refused
      return outcomes
    },
  }
}

async function sendReport(
  call: StripeCall,
  eventName: string,
  report: UsageReport,
  options: CallOptions,
): Promise<ReportOutcome> {
  const problem = problemWith(report)
  if (problem !== undefined) return { status: 'rejected', reason: problem }
  const event = {
    event_name: eventName,
    identifier: report.identifier,
    timestamp: Math.floor(report.occurredAt / 1000),
    payload: { stripe_customer_id: report.customerId, value: report.sparks.toString() },
  }
  try {
    // Repeats are the sender's business: it knows the identifier's age, and the SDK does not.
    await call.report(options, (client, request) =>
      withoutTrace(() => client.billing.meterEvents.create(event, { ...request, maxNetworkRetries: 0 })),
    )
    return { status: 'delivered' }
  } catch (error) {
    return outcomeOf(error)
  }
}

const limitsTraces = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true

/** The SDK notes from where each call is made, which is a tenth of what the call costs, and always the same here. */
function withoutTrace<Result>(call: () => Result): Result {
  if (!limitsTraces) return call()
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return call()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
