import type { Instant } from '../../core/domain/period.js'
import type { DeliveryStatus } from '../../core/ports/store.js'

/** How something in the outbox stands, beside what it is. */
export interface Waiting {
  readonly status: DeliveryStatus
  readonly attempts: number
  readonly fence: number
  readonly createdAt: Instant
  /** When the first attempt was made that may have arrived. */
  readonly firstAttemptAt: Instant | null
  /** When it was handed out last. */
  readonly claimedAt: Instant | null
  readonly nextAttemptAt: Instant
  /** Until when it is kept from others; 0 while nobody has it. */
  readonly leasedUntil: Instant
  readonly error: string | null
}

/** Something that was just put there, and is due. */
export function newlyWaiting(now: Instant): Waiting {
  return {
    status: 'pending',
    attempts: 0,
    fence: 0,
    createdAt: now,
    firstAttemptAt: null,
    claimedAt: null,
    nextAttemptAt: now,
    leasedUntil: 0,
    error: null,
  }
}

/** When the first attempt was made that may have arrived, once it is claimed again: a claim that nobody settled may have. */
export function firstAttemptOf({ firstAttemptAt, leasedUntil, claimedAt }: Waiting): Instant | null {
  return firstAttemptAt ?? (leasedUntil > 0 ? claimedAt : null)
}
