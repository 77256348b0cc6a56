import type { NewDelivery } from '../../core/domain/ledger/state.js'
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
  /** The first delivery of the report it is part of. */
  readonly bundle: string | null
  /** Until when it is kept from others; 0 while nobody has it. */
  readonly leasedUntil: Instant
  readonly error: string | null
}

/** Something that was just put there, and is due. */
export function newlyWaiting(now: Instant, nextAttemptAt = now): Waiting {
  return {
    status: 'pending',
    attempts: 0,
    fence: 0,
    createdAt: now,
    firstAttemptAt: null,
    claimedAt: null,
    nextAttemptAt,
    bundle: null,
    leasedUntil: 0,
    error: null,
  }
}

/** The most deliveries that are reported as one. */
export const maximumBundle = 500

const minuteMs = 60_000
/** How long after a minute its usage waits for what is late. */
const graceMs = 10_000

/** When a new delivery is due: for metering after its minute, so that one report tells of all of it. */
export function firstDueAt({ kind, occurredAt }: Pick<NewDelivery, 'kind' | 'occurredAt'>, now: Instant): Instant {
  if (kind !== 'metering') return now
  return Math.max(now, (minuteOf(occurredAt) + 1) * minuteMs + graceMs)
}

export function minuteOf(moment: Instant): number {
  return Math.trunc(moment / minuteMs)
}

/** When the first attempt was made that may have arrived, once it is claimed again: a claim that nobody settled may have. */
export function firstAttemptOf({
  firstAttemptAt,
  leasedUntil,
  claimedAt,
}: Pick<Waiting, 'firstAttemptAt' | 'leasedUntil' | 'claimedAt'>): Instant | null {
  return firstAttemptAt ?? (leasedUntil > 0 ? claimedAt : null)
}
