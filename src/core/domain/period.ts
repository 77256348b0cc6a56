import { dayMs, type Instant, type LocalTime, toInstant, toLocal } from './zone.js'

export type { Instant } from './zone.js'

/** A half-open span of time: an event at `endsAt` belongs to the next one. */
export interface Period {
  readonly startsAt: Instant
  readonly endsAt: Instant
}

/** How often a period begins anew. */
export type Interval = 'day' | 'week' | 'month' | 'year'

/** What makes periods begin: with `anchor`, its day and time on the wall clocks of `zone`; without, the calendar of that zone. */
export interface Cycle {
  readonly anchor: Instant | null
  /** IANA name. */
  readonly zone: string
  readonly interval: Interval
}

/**
 * The period that contains `at`. The periods of a cycle tile time: each moment lies in exactly one.
 *
 * Calendar periods begin at midnight, weeks on Monday (ISO 8601). Anchored ones begin at the anchor's day and time of day, clamped
 * to the last day of shorter months and back to its own day in the next (31 January → 29 February → 31 March), as subscriptions are
 * billed. A beginning that the wall clocks skip comes as much later as they skip, one that they show twice comes the first time,
 * and a day that a zone left out of its calendar is in no period.
 */
export function periodAt(at: Instant, { anchor, zone, interval }: Cycle): Period {
  const origin = anchor === null ? calendarOrigin(interval) : toLocal(anchor, zone)
  const beginning = (count: number) => toInstant(nthBeginning(origin, interval, count), zone)
  let count = periodsBetween(origin, toLocal(at, zone), interval)
  let startsAt = beginning(count)
  while (startsAt > at) startsAt = beginning(--count)
  let endsAt = beginning(count + 1)
  while (endsAt <= at) {
    startsAt = endsAt
    endsAt = beginning(++count + 1)
  }
  return { startsAt, endsAt }
}

/** The UTC day that contains `at`, as `YYYY-MM-DD`; rollups are kept by such days. */
export function utcDay(at: Instant): string {
  const day = Math.floor(at / 86_400_000)
  if (day !== lastDay.day) lastDay = { day, text: new Date(at).toISOString().slice(0, 10) }
  return lastDay.text
}

/** Usage comes day after day. */
let lastDay = { day: 0, text: '1970-01-01' }

/** 1970-01-01, and for weeks the Monday after it. */
function calendarOrigin(interval: Interval): LocalTime {
  return interval === 'week' ? 4 * dayMs : 0
}

/** How many periods after the origin the one that contains `local` begins; one too many where that month's period begins later in it. */
function periodsBetween(origin: LocalTime, local: LocalTime, interval: Interval): number {
  switch (interval) {
    case 'day':
      return Math.floor((local - origin) / dayMs)
    case 'week':
      return Math.floor((local - origin) / (7 * dayMs))
    case 'month':
      return monthOf(local) - monthOf(origin)
    case 'year':
      return Math.floor((monthOf(local) - monthOf(origin)) / 12)
  }
}

function nthBeginning(origin: LocalTime, interval: Interval, count: number): LocalTime {
  switch (interval) {
    case 'day':
      return origin + count * dayMs
    case 'week':
      return origin + count * 7 * dayMs
    case 'month':
      return addMonths(origin, count)
    case 'year':
      return addMonths(origin, count * 12)
  }
}

/** The same day and time of day so many months later, or the last day where the month is shorter. */
function addMonths(origin: LocalTime, months: number): LocalTime {
  const from = monthOf(origin)
  const to = from + months
  const sinceFirst = origin - firstOf(from)
  const timeOfDay = sinceFirst % dayMs
  return Math.min(firstOf(to) + sinceFirst, firstOf(to + 1) - dayMs + timeOfDay)
}

const meanMonthMs = 30.436_875 * dayMs

/** Months since January 1970. */
function monthOf(local: LocalTime): number {
  let month = Math.floor(local / meanMonthMs)
  while (firstOf(month) > local) month -= 1
  while (firstOf(month + 1) <= local) month += 1
  return month
}

/** Midnight of the first day of a month, by arithmetic: through a `Date` a period would take more than a microsecond. */
function firstOf(month: number): LocalTime {
  // Counted in years that begin in March, so that a leap day is the last day of its year.
  const sinceMarch = month - 2
  const years = Math.floor(sinceMarch / 12)
  const year = 1970 + years
  const leapDays = Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400)
  const dayOfYear = Math.floor((153 * (sinceMarch - years * 12) + 2) / 5)
  return (365 * year + leapDays + dayOfYear - 719_468) * dayMs
}
