import { BillingError } from '../errors.js'

/** A moment, in milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number

/** What a wall clock shows, in milliseconds, written as the moment at which a clock in UTC shows the same. */
export type LocalTime = number

export const dayMs = 86_400_000

/** Whether this runtime knows the time zone of that IANA name: `Europe/Berlin`, `UTC`. Fixed offsets such as `+01:00` are no zones. */
export function isZone(name: string): boolean {
  return name === 'UTC' || findClock(name) !== null
}

/**
 * The name as it was given, once it is known to be a time zone of the IANA database.
 *
 * @throws BillingError `invalid_request`
 */
export function parseZone(name: string): string {
  if (isZone(name)) return name
  throw unknownZone(name)
}

/** What the wall clocks of a zone show at a moment. */
export function toLocal(at: Instant, zone: string): LocalTime {
  return zone === 'UTC' ? at : at + offsetAt(clockOf(zone), at)
}

/**
 * When the wall clocks of a zone show this time. A time that they skip is moved on by as much as they skip; of two moments that
 * show it the earlier is taken.
 *
 * @see https://tc39.es/proposal-temporal/docs/timezone.html#ambiguity-due-to-dst-or-other-time-zone-offset-changes — `compatible`
 */
export function toInstant(local: LocalTime, zone: string): Instant {
  if (zone === 'UTC') return local
  const clock = clockOf(zone)
  // No clock is a day away from UTC, so these lie on either side of a change that could concern this time.
  const before = offsetAt(clock, local - dayMs)
  const after = offsetAt(clock, local + dayMs)
  if (before === after) return local - before
  const earlier = local - Math.max(before, after)
  return earlier + offsetAt(clock, earlier) === local ? earlier : local - Math.min(before, after)
}

/** A zone's wall clock: what it is ahead of UTC on the days that were asked for. */
interface Clock {
  readonly format: Intl.DateTimeFormat
  readonly days: Map<number, number | OffsetChange>
}

interface OffsetChange {
  readonly at: Instant
  readonly before: number
  readonly after: number
}

const clocks = new Map<string, Clock>()
const maxClocks = 256
const maxDays = 4_096

function clockOf(zone: string): Clock {
  const clock = findClock(zone)
  if (clock === null) throw unknownZone(zone)
  return clock
}

function findClock(zone: string): Clock | null {
  const known = clocks.get(zone)
  if (known !== undefined) return known
  const format = formatOf(zone)
  if (format === null) return null
  const clock = { format, days: new Map() }
  const oldest = clocks.keys().next()
  if (clocks.size >= maxClocks && !oldest.done) clocks.delete(oldest.value)
  clocks.set(zone, clock)
  return clock
}

/** Names that some runtimes take too, though they are of no IANA zone and mean another one to another reader. */
const abbreviations: ReadonlySet<string> = new Set(
  'ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST'.split(' '),
)
const ianaName = /^(?!SystemV\/)[a-z][a-z0-9_+-]*(?:\/[a-z0-9_+-]+)*$/i

function formatOf(zone: string): Intl.DateTimeFormat | null {
  if (!ianaName.test(zone) || abbreviations.has(zone.toUpperCase())) return null
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    return null
  }
}

function unknownZone(zone: string): BillingError {
  const name = zone.slice(0, 64)
  return new BillingError('invalid_request', `There is no time zone ${JSON.stringify(name)}: give an IANA name.`, {
    details: { zone: name },
  })
}

function offsetAt(clock: Clock, at: Instant): number {
  const day = Math.floor(at / dayMs)
  let offset = clock.days.get(day)
  if (offset === undefined) {
    if (clock.days.size >= maxDays) clock.days.clear()
    offset = offsetOfDay(clock, day)
    clock.days.set(day, offset)
  }
  if (typeof offset === 'number') return offset
  return at < offset.at ? offset.before : offset.after
}

/** No zone ever changed twice within a day, and every change falls on a whole second. A day ends as the next begins. */
function offsetOfDay({ format, days }: Clock, day: number): number | OffsetChange {
  const startsAt = day * dayMs
  const yesterday = days.get(day - 1)
  const tomorrow = days.get(day + 1)
  const before = (typeof yesterday === 'object' ? yesterday.after : yesterday) ?? readOffset(format, startsAt)
  const after = (typeof tomorrow === 'object' ? tomorrow.before : tomorrow) ?? readOffset(format, startsAt + dayMs)
  if (before === after) return before
  let low = startsAt
  let high = startsAt + dayMs
  while (high - low > 1_000) {
    const middle = low + Math.floor((high - low) / 2_000) * 1_000
    if (readOffset(format, middle) === before) low = middle
    else high = middle
  }
  return { at: high, before, after }
}

/** Before clocks were set by zones every place kept its own mean time, so that the first year stands for all years before it. */
const firstYear = Date.UTC(1800)
const lastInstant = 8.64e15

/** `at` is a whole second. */
function readOffset(format: Intl.DateTimeFormat, at: Instant): number {
  const moment = Math.min(Math.max(at, firstYear), lastInstant)
  const fields = format.format(moment).split(/\D+/, 6).map(Number)
  const [month = NaN, day = NaN, year = NaN, hour = NaN, minute = NaN, second = NaN] = fields
  return Date.UTC(year, month - 1, day, hour, minute, second) - moment
}
