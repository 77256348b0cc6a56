import { Temporal } from '@js-temporal/polyfill'
import type { Cycle, Period } from '../../../src/core/domain/period.js'

/** The periods of a cycle that overlap a span of time, by Temporal's calendar arithmetic from the anchor. */
export function periodsBetween(from: number, to: number, cycle: Cycle): readonly Period[] {
  const begins = beginningsOf(cycle)
  let count = guess(from, cycle)
  while (begins(count) > from) count -= 1
  const periods: Period[] = []
  for (let startsAt = begins(count); startsAt < to; ) {
    count += 1
    const endsAt = begins(count)
    if (endsAt > startsAt && endsAt > from) periods.push({ startsAt, endsAt })
    startsAt = endsAt
  }
  return periods
}

/** The moments at which the wall clocks of a zone are put forward or back. */
export function changesOf(zone: string, from: number, to: number): readonly number[] {
  const changes: number[] = []
  let change = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(zone).getTimeZoneTransition('next')
  while (change !== null && change.epochMilliseconds < to) {
    changes.push(change.epochMilliseconds)
    change = change.getTimeZoneTransition('next')
  }
  return changes
}

/** When a zone's wall clocks show a time, as Temporal has it. */
export function instantOf(local: string, zone: string): number {
  return Temporal.PlainDateTime.from(local).toZonedDateTime(zone).epochMilliseconds
}

function originOf({ anchor, zone, interval }: Cycle): Temporal.PlainDateTime {
  if (anchor !== null) return localOf(anchor, zone)
  return Temporal.PlainDateTime.from(interval === 'week' ? '2001-01-01' : '2000-01-01')
}

function beginningsOf(cycle: Cycle): (count: number) => number {
  const origin = originOf(cycle)
  return (count) =>
    origin
      .add({ [`${cycle.interval}s`]: count }, { overflow: 'constrain' })
      .toZonedDateTime(cycle.zone, { disambiguation: 'compatible' }).epochMilliseconds
}

function guess(at: number, cycle: Cycle): number {
  const units = `${cycle.interval}s` as const
  return originOf(cycle).until(localOf(at, cycle.zone), { largestUnit: units })[units] + 1
}

function localOf(at: number, zone: string): Temporal.PlainDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDateTime()
}
