import { BillingError } from '../../core/errors.js'
import type { ReportOutcome, UsageReport } from '../../core/ports/capabilities/metering.js'
import type { LagoFault } from './errors.js'

/** What is wrong with a report, before anything is sent. */
export function problemWith({ identifier, occurredAt }: UsageReport): ReportOutcome | undefined {
  if (identifier === '' || identifier.length > 255) return rejected('The identifier must have 1 to 255 characters.')
  if (!Number.isSafeInteger(occurredAt) || occurredAt < 0) return rejected('The time is not a moment since 1970.')
  return undefined
}

/**
 * What Lago says about single events of a batch that it refused, by their places; `null` where it says nothing of that kind. An id that
 * Lago has is an error to it, and takes the batch with it: here it means delivered.
 *
 * @example { '0': { transaction_id: ['value_already_exist'] } }
 */
export function problemsByIndex(error: unknown, size: number): ReadonlyMap<number, ReportOutcome> | null {
  if (!BillingError.is(error) || error.details.status !== 422) return null
  const { fields } = error.details as { readonly fields?: Readonly<Record<string, unknown>> }
  const entries = Object.entries(fields ?? {}).filter(([index]) => /^\d+$/.test(index) && Number(index) < size)
  if (entries.length === 0) return null
  return new Map(
    entries.map(([index, problem]) => [
      Number(index),
      isDuplicate(problem) ? { status: 'delivered' } : rejected(JSON.stringify(problem).slice(0, 500)),
    ]),
  )
}

/** What a failed call means for its reports. @throws BillingError `provider_authentication`, and whatever is not about the reports */
export function outcomeOf(error: unknown): ReportOutcome {
  if (!BillingError.is(error)) throw error
  if (error.code === 'provider_authentication' || error.code === 'provider_response_invalid') throw error
  const { reason, retryAfterMs, status } = error.details as {
    readonly reason?: LagoFault['kind'] | 'circuit_open'
    readonly retryAfterMs?: number
    readonly status?: number
  }
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
  if (reason === 'lost') return { status: 'unknown', reason: error.message }
  // Only these are about the events. A 404 is about the address: what was used is not to be given up for a wrong base URL.
  if (reason === 'refused' && (status === 400 || status === 413 || status === 422)) return rejected(error.message)
  return { status: 'retry', reason: error.message, ...wait }
}

function rejected(reason: string): ReportOutcome {
  return { status: 'rejected', reason }
}

/** Nothing is wrong but that it is there already. */
function isDuplicate(problem: unknown): boolean {
  if (typeof problem !== 'object' || problem === null) return false
  const [[field, codes] = [], ...others] = Object.entries(problem)
  return others.length === 0 && field === 'transaction_id' && JSON.stringify(codes) === '["value_already_exist"]'
}
