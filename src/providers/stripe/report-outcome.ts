import { BillingError } from '../../core/errors.js'
import type { ReportOutcome, UsageReport } from '../../core/ports/capabilities/metering.js'
import { stripeFault } from './errors.js'

const dayMs = 86_400_000

/** How long Stripe knows an identifier, and how old usage may be. */
export const meterEventLimits = { dedupeWindowMs: dayMs, maximumAgeMs: 35 * dayMs } as const

/** More digits than these are refused since the API of 2026-04-22. */
const maximumDigits = 15

/** Usage whose time is ahead of Stripe's clock is taken a little later. */
const clockSkewWaitMs = 60_000

/** What is wrong with a report, before anything is sent. */
export function problemWith({ identifier, sparks, occurredAt }: UsageReport): string | undefined {
  if (identifier === '' || identifier.length > 100) return 'The identifier must have 1 to 100 characters.'
  if (sparks.toString().replace('-', '').length > maximumDigits) return `Stripe takes at most ${maximumDigits} digits.`
  if (!Number.isSafeInteger(occurredAt) || occurredAt < 0) return 'The time is not a moment since 1970.'
  return undefined
}

/** What a failed call means for a report. @throws BillingError `provider_authentication`, and whatever is not about the report */
export function outcomeOf(error: unknown): ReportOutcome {
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
