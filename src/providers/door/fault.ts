import { BillingError } from '../../core/errors.js'

/**
 * What a failed call to a provider means for us.
 *
 * - `not_sent`: no connection was made, so nothing happened; `lost`: it may have happened.
 * - `rate_limited` and `busy`: nothing happened, later it may.
 * - `refused`: the provider will not do this, however often it is asked; `not_found`: the object named in the address is not there.
 */
export type FaultKind = 'authentication' | 'rate_limited' | 'busy' | 'not_sent' | 'lost' | 'not_found' | 'refused'

/** A failed call, with the facts of the answer that may be shown. */
export interface Fault {
  readonly kind: FaultKind
  readonly message: string
  /** What the provider asked us to wait, from 0 to one hour. */
  readonly retryAfterMs: number | undefined
}

/** Who is at the other side of the door. */
export interface DoorName {
  /** As in the config and in details. */
  readonly id: string
  /** As people write it. */
  readonly name: string
}

const hourMs = 3_600_000

/** Codes of a connection that was never made. */
export const neverConnected: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** What the chain of causes of a connection that failed says about whether anything was sent. */
export function connectionFault(error: unknown): 'not_sent' | 'lost' {
  for (let cause = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 4; depth += 1) {
    const link = cause as { readonly code?: unknown; readonly cause?: unknown }
    if (typeof link.code === 'string') return neverConnected.has(link.code) ? 'not_sent' : 'lost'
    cause = link.cause
  }
  return 'lost'
}

/**
 * The `BillingError` for a fault. `write` tells whether the call could have changed something: then an answer that was lost, or a 5xx,
 * is `outcome_unknown` instead of `provider_unavailable`.
 */
export function faultError(
  { id, name }: DoorName,
  fault: Fault,
  effect: 'read' | 'write',
  details: Readonly<Record<string, unknown>>,
  cause: unknown,
): BillingError {
  const facts = { reason: fault.kind, ...details, retryAfterMs: fault.retryAfterMs }
  const known = Object.entries(facts).filter(([, value]) => value !== undefined)
  const options = { details: { provider: id, ...Object.fromEntries(known) }, cause }
  switch (fault.kind) {
    case 'authentication':
      return new BillingError(
        'provider_authentication',
        `${name} refused the API key; check the key and its permissions.`,
        options,
      )
    case 'rate_limited':
      return new BillingError(
        'provider_unavailable',
        `${name} takes no more requests for now; try again later.`,
        options,
      )
    case 'busy':
      return new BillingError('provider_unavailable', `${name} is busy with the same object; try again.`, options)
    case 'not_sent':
      return new BillingError('provider_unavailable', `${name} could not be reached.`, options)
    case 'lost':
      return effect === 'write'
        ? new BillingError(
            'outcome_unknown',
            `${name} did not say whether it happened; repeat with the same key.`,
            options,
          )
        : new BillingError('provider_unavailable', `${name} did not answer.`, options)
    case 'not_found':
      return new BillingError('not_found', `${name} has no such object: ${fault.message}`, options)
    case 'refused':
      return new BillingError('provider_rejected', `${name} refused the request: ${fault.message}`, options)
    default:
      return unreachable(fault.kind)
  }
}

/** Seconds or a date, as milliseconds from 0 to one hour; `undefined` for anything else. */
export function parseRetryAfter(header: unknown): number | undefined {
  if (typeof header !== 'string') return undefined
  const given = header.trim()
  const waitMs = /^[+-]?\d+(\.\d+)?$/.test(given) ? Number(given) * 1000 : Date.parse(given) - Date.now()
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(Math.round(waitMs), 0), hourMs)
}

function unreachable(kind: never): never {
  throw new BillingError('invariant_violated', `Unknown kind of failure ${JSON.stringify(kind)}.`)
}
