import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { MeteringCapability, ReportOutcome, UsageReport } from '../../core/ports/capabilities/metering.js'
import type { StripeCall } from './call.js'
import { stripeFault } from './errors.js'
import type { MeterNames } from './meter-names.js'
import { takeTurns } from './turns.js'

const dayMs = 86_400_000

/** More digits than these are refused since the API of 2026-04-22. */
const maximumDigits = 15

/** The most requests under way at once; Stripe takes one at a time per customer and meter. */
const maximumInFlight = 16

/** Usage whose time is ahead of Stripe's clock is taken a little later. */
const clockSkewWaitMs = 60_000

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
    dedupeWindowMs: dayMs,
    maximumAgeMs: 35 * dayMs,
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
          return await sendReport(call, eventName(report.meter), report, options)
        } catch (error) {
          if (!BillingError.is(error) || error.code !== 'provider_authentication') throw error
          refused = error
          return { status: 'retry', reason: error.message }
        }
      }
      const lane = ({ customerId, meter }: UsageReport) => JSON.stringify([customerId, meter])
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
      client.billing.meterEvents.create(event, { ...request, maxNetworkRetries: 0 }),
    )
    return { status: 'delivered' }
  } catch (error) {
    return outcomeOf(error)
  }
}

function problemWith({ identifier, sparks, occurredAt }: UsageReport): string | undefined {
  if (identifier === '' || identifier.length > 100) return 'The identifier must have 1 to 100 characters.'
  if (sparks.toString().replace('-', '').length > maximumDigits) return `Stripe takes at most ${maximumDigits} digits.`
  if (!Number.isSafeInteger(occurredAt) || occurredAt < 0) return 'The time is not a moment since 1970.'
  return undefined
}

/** @throws BillingError `provider_authentication`, and whatever is not about the report */
function outcomeOf(error: unknown): ReportOutcome {
  if (!BillingError.is(error)) throw error
  // Nothing was sent: Stripe is left alone for now.
  if (error.details.reason === 'circuit_open')
    return { status: 'retry', reason: error.message, retryAfterMs: Number(error.details.retryAfterMs) }
  const fault = stripeFault(error.cause)
  const reason = fault.code === undefined ? fault.message : `${fault.code}: ${fault.message}`
  const wait = fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs }
  if (error.code === 'provider_timeout') return { status: 'retry', reason: error.message }
  switch (fault.kind) {
    case 'authentication':
      throw error
    case 'rate_limited':
    case 'busy':
    case 'not_sent':
      return { status: 'retry', reason, ...wait }
    case 'lost':
      return { status: 'unknown', reason }
    case 'not_found':
    case 'refused':
      if (isDuplicate(fault)) return { status: 'delivered' }
      if (fault.code === 'timestamp_in_future') return { status: 'retry', reason, retryAfterMs: clockSkewWaitMs }
      return { status: 'rejected', reason }
    default:
      return unreachable(fault.kind)
  }
}

/**
 * An identifier that Stripe has seen is an error to it, not a no-op, and has no code of its own.
 *
 * @see https://github.com/langfuse/langfuse/pull/16292 (2026-08), where the same was found
 */
function isDuplicate({ status, message }: { readonly status: number | undefined; readonly message: string }): boolean {
  return status === 400 && /\balready exists with identifier\b/i.test(message)
}

function unreachable(kind: never): never {
  throw new BillingError('invariant_violated', `Unknown kind of failure ${JSON.stringify(kind)}.`)
}
