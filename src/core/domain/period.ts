/** A moment, in milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number

/** A half-open span of time: an event at `endsAt` belongs to the next one. */
export interface Period {
  readonly startsAt: Instant
  readonly endsAt: Instant
}

/** How often a period begins anew. */
export type Interval = 'month' | 'year'

/**
 * The period of an account that contains `at`. Without an anchor periods are calendar months in UTC; with one they begin at the
 * anchor's day and time, clamped to the last day of shorter months and back to its own day in the next (31 January → 29 February
 * → 31 March), as subscriptions are billed.
 */
export function periodAt(at: Instant, anchor: Instant | null, interval: Interval = 'month'): Period {
  const months = interval === 'year' ? 12 : 1
  const from = anchor ?? 0
  let count = Math.floor(monthsBetween(from, at) / months)
  let startsAt = boundary(from, count * months)
  if (startsAt > at) {
    count -= 1
    startsAt = boundary(from, count * months)
  }
  return { startsAt, endsAt: boundary(from, (count + 1) * months) }
}

/** The first moment of the UTC day that contains `at`; rollups are kept by such days. */
export function utcDay(at: Instant): string {
  return new Date(at).toISOString().slice(0, 10)
}

function monthsBetween(from: Instant, to: Instant): number {
  const a = new Date(from)
  const b = new Date(to)
  return (b.getUTCFullYear() - a.getUTCFullYear()) * 12 + b.getUTCMonth() - a.getUTCMonth()
}

function boundary(anchor: Instant, months: number): Instant {
  const from = new Date(anchor)
  const month = from.getUTCMonth() + months
  const lastDay = new Date(Date.UTC(from.getUTCFullYear(), month + 1, 0)).getUTCDate()
  const midnight = Date.UTC(from.getUTCFullYear(), month, Math.min(from.getUTCDate(), lastDay))
  const dayStart = Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate())
  return midnight + (anchor - dayStart)
}
