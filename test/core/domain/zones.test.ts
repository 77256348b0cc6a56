import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Cycle, type Interval, type Period, periodAt } from '../../../src/core/domain/period.js'
import { isZone, parseZone } from '../../../src/core/domain/zone.js'
import { BillingError } from '../../../src/core/errors.js'
import { changesOf, instantOf, periodsBetween } from './period-oracle.js'

const at = Date.parse
const dayMs = 86_400_000
const hourMs = 3_600_000

/** Clocks that skip or repeat midnight, whole days that never were, odd offsets, offsets with seconds, half-hour and two-hour summers. */
const zones = [
  ...['UTC', 'America/New_York', 'America/Sao_Paulo', 'America/St_Johns', 'America/Havana', 'America/Caracas'],
  ...['America/Santiago', 'Atlantic/Azores', 'Europe/London', 'Europe/Dublin', 'Europe/Amsterdam', 'Africa/Monrovia'],
  ...['Africa/Cairo', 'Africa/Casablanca', 'Asia/Beirut', 'Asia/Gaza', 'Asia/Amman', 'Asia/Tehran', 'Asia/Kolkata'],
  ...['Asia/Kathmandu', 'Asia/Pyongyang', 'Australia/Lord_Howe', 'Antarctica/Troll', 'Pacific/Chatham'],
  ...['Pacific/Apia', 'Pacific/Kwajalein', 'Pacific/Kiritimati'],
]
const intervals = ['day', 'week', 'month', 'year'] as const

const same = (left: Period, right: Period) => left.startsAt === right.startsAt && left.endsAt === right.endsAt

/** Moments of the oracle's periods at which ours differ: both ends of each, and each step in it. */
function differences(from: number, to: number, cycle: Cycle, step = dayMs) {
  const wrong: string[] = []
  const compare = (moment: number, period: Period) => {
    if (!same(periodAt(moment, cycle), period)) wrong.push(`${new Date(moment).toISOString()} ${JSON.stringify(cycle)}`)
  }
  for (const period of periodsBetween(from, to, cycle)) {
    compare(period.endsAt - 1, period)
    for (let moment = period.startsAt; moment < period.endsAt; moment += step) compare(moment, period)
  }
  return wrong.slice(0, 5)
}

/** The beginning and the length in hours of a calendar period. */
function calendar(zone: string, interval: Interval, moment: string) {
  const period = periodAt(at(moment), { anchor: null, zone, interval })
  return [new Date(period.startsAt).toISOString(), (period.endsAt - period.startsAt) / hourMs]
}

it('S0.6 periods in UTC are those of the calendar, on each day of 400 years for anchors at the end of a month', {
  timeout: 60_000,
}, () => {
  const [from, century, to] = [at('2000-01-01T00:00:00Z'), at('2100-01-01T00:00:00Z'), at('2400-01-01T00:00:00Z')]
  for (let day = 1; day <= 31; day += 1) {
    const anchor = Date.UTC(2024, 0, day, 10, 0, 5)
    expect(differences(from, day < 28 ? century : to, { anchor, zone: 'UTC', interval: 'month' })).toEqual([])
  }
  for (const anchor of [null, at('2024-02-29T23:59:59.999Z'), at('2023-02-28T00:00:00Z'), at('2024-12-31T12:00:00Z')]) {
    expect(differences(from, to, { anchor, zone: 'UTC', interval: 'year' })).toEqual([])
    expect(differences(from, to, { anchor, zone: 'UTC', interval: 'week' }, 4 * dayMs)).toEqual([])
  }
  expect(differences(from, to, { anchor: null, zone: 'UTC', interval: 'month' })).toEqual([])
})

it.each(zones)(
  'S0.6 months and years in %s are those of its calendar from 1970 to 2100',
  { timeout: 60_000 },
  (zone) => {
    const [from, middle, to] = [at('1970-01-01T00:00:00Z'), at('2040-01-01T00:00:00Z'), at('2100-01-01T00:00:00Z')]
    const anchor = instantOf('2000-01-31T02:30:00', zone)
    // From 2040 on the ends of each month only.
    expect(differences(from, middle, { anchor: null, zone, interval: 'month' })).toEqual([])
    expect(differences(middle, to, { anchor: null, zone, interval: 'month' }, 30 * dayMs)).toEqual([])
    expect(differences(from, middle, { anchor, zone, interval: 'month' }, 14 * dayMs)).toEqual([])
    expect(differences(from, to, { anchor, zone, interval: 'year' }, 90 * dayMs)).toEqual([])
  },
)

it.each(zones)(
  'S0.6 days and weeks in %s are those of its calendar, around each change of its clocks',
  { timeout: 60_000 },
  (zone) => {
    for (const change of changesOf(zone, at('1970-01-01T00:00:00Z'), at('2040-01-01T00:00:00Z'))) {
      const anchors = [null, instantOf('2000-01-05T02:30:00', zone), change + 5 * dayMs - 1_800_000]
      for (const anchor of anchors) {
        const span = [change - dayMs, change + dayMs] as const
        expect(differences(...span, { anchor, zone, interval: 'day' }, hourMs / 2)).toEqual([])
      }
      expect(differences(change, change + 1, { anchor: null, zone, interval: 'week' }, hourMs)).toEqual([])
    }
  },
)

it('S0.6 each moment lies in exactly one period, and that is the one of the calendar', { timeout: 60_000 }, () => {
  const moments = fc.integer({ min: at('1900-01-01T00:00:00Z'), max: at('2200-01-01T00:00:00Z') })
  const cycles = fc.record({
    anchor: fc.option(moments),
    zone: fc.constantFrom(...zones),
    interval: fc.constantFrom(...intervals),
  })
  fc.assert(
    fc.property(moments, cycles, (moment, cycle) => {
      const period = periodAt(moment, cycle)
      expect(period.startsAt <= moment && moment < period.endsAt).toBe(true)
      expect(periodAt(period.startsAt, cycle)).toEqual(period)
      expect(periodAt(period.endsAt - 1, cycle)).toEqual(period)
      expect(periodAt(period.endsAt, cycle).startsAt).toBe(period.endsAt)
      expect(periodAt(period.startsAt - 1, cycle).endsAt).toBe(period.startsAt)
      expect(periodsBetween(moment, moment + 1, cycle)).toEqual([period])
    }),
    { numRuns: 2_000 },
  )
})

it('S0.6 days are as long as the clocks make them', () => {
  expect(calendar('America/New_York', 'day', '2026-03-08T12:00:00Z')).toEqual(['2026-03-08T05:00:00.000Z', 23])
  expect(calendar('America/New_York', 'day', '2026-11-01T12:00:00Z')).toEqual(['2026-11-01T04:00:00.000Z', 25])
  expect(calendar('Australia/Lord_Howe', 'day', '2026-04-04T20:00:00Z')).toEqual(['2026-04-04T13:00:00.000Z', 24.5])
  expect(calendar('Asia/Kathmandu', 'month', '2026-02-10T00:00:00Z')).toEqual(['2026-01-31T18:15:00.000Z', 28 * 24])
  expect(calendar('Africa/Monrovia', 'day', '1971-06-01T12:00:00Z')).toEqual(['1971-06-01T00:44:30.000Z', 24])
})

it('S0.6 where midnight is skipped the day begins at one, and where it comes twice, the first time', () => {
  expect(calendar('America/Sao_Paulo', 'day', '2018-11-04T12:00:00Z')).toEqual(['2018-11-04T03:00:00.000Z', 23])
  expect(calendar('America/Sao_Paulo', 'day', '2018-02-17T12:00:00Z')).toEqual(['2018-02-17T02:00:00.000Z', 25])
  expect(calendar('Asia/Beirut', 'day', '2026-03-29T12:00:00Z')).toEqual(['2026-03-28T22:00:00.000Z', 23])
  expect(calendar('Africa/Cairo', 'day', '2026-04-24T12:00:00Z')).toEqual(['2026-04-23T22:00:00.000Z', 23])
  expect(calendar('America/Havana', 'day', '2026-11-01T12:00:00Z')).toEqual(['2026-11-01T04:00:00.000Z', 25])
})

it('S0.6 a day that a zone left out of its calendar is in no period', () => {
  expect(calendar('Pacific/Apia', 'day', '2011-12-30T09:59:59Z')).toEqual(['2011-12-29T10:00:00.000Z', 24])
  expect(calendar('Pacific/Apia', 'day', '2011-12-30T10:00:00Z')).toEqual(['2011-12-30T10:00:00.000Z', 24])
  expect(calendar('Pacific/Apia', 'month', '2011-12-15T00:00:00Z')).toEqual(['2011-12-01T10:00:00.000Z', 30 * 24])
  expect(calendar('Pacific/Kwajalein', 'month', '1993-08-10T00:00:00Z')).toEqual(['1993-08-01T12:00:00.000Z', 30 * 24])
})

it('S0.6 an anchored period begins at the time of day of its zone, also in summer', () => {
  const cycle = { anchor: at('2026-01-31T15:00:05Z'), zone: 'America/New_York', interval: 'month' } as const
  const starts = (moment: string) => new Date(periodAt(at(moment), cycle).startsAt).toISOString()
  expect(starts('2026-03-01T00:00:00Z')).toBe('2026-02-28T15:00:05.000Z')
  expect(starts('2026-04-01T00:00:00Z')).toBe('2026-03-31T14:00:05.000Z')
  const night = { anchor: at('2026-01-08T07:30:00Z'), zone: 'America/New_York', interval: 'month' } as const
  expect(new Date(periodAt(at('2026-03-09T00:00:00Z'), night).startsAt).toISOString()).toBe('2026-03-08T07:30:00.000Z')
})

it('S0.6 weeks without an anchor begin on Monday', () => {
  expect(calendar('UTC', 'week', '2026-11-22T23:59:59Z')).toEqual(['2026-11-16T00:00:00.000Z', 7 * 24])
  expect(calendar('UTC', 'week', '1969-12-31T00:00:00Z')).toEqual(['1969-12-29T00:00:00.000Z', 7 * 24])
  expect(calendar('Europe/London', 'week', '2026-03-29T12:00:00Z')).toEqual(['2026-03-23T00:00:00.000Z', 7 * 24 - 1])
})

it('S0.6 a time zone is an IANA name, kept as it was given', () => {
  for (const zone of [...zones, 'Etc/GMT+5', 'EST5EDT', 'America/Argentina/Buenos_Aires'])
    expect(parseZone(zone)).toBe(zone)
  const refused = [
    '',
    ' UTC',
    'Mars/Base',
    '+01:00',
    'UTC+1',
    'PST',
    'ist',
    'SystemV/PST8',
    'Europe/Berlin\n',
    'x'.repeat(9_999),
  ]
  for (const zone of refused) {
    expect(isZone(zone)).toBe(false)
    let error: unknown
    try {
      parseZone(zone)
    } catch (thrown) {
      error = thrown
    }
    expect(BillingError.is(error) && error.code).toBe('invalid_request')
    expect(String(error).length).toBeLessThan(250)
  }
})

it('S0.6 more zones and days than are remembered give the same periods', () => {
  const names = Intl.supportedValuesOf('timeZone')
  const now = at('2026-03-29T12:00:00Z')
  const all = () => names.map((zone) => periodAt(now, { anchor: null, zone, interval: 'day' }))
  expect(all()).toEqual(all())
  const cycle = { anchor: null, zone: 'Europe/Paris', interval: 'day' } as const
  const before = periodAt(now, cycle)
  for (let day = 0; day < 6_000; day += 1) periodAt(day * dayMs, cycle)
  expect(periodAt(now, cycle)).toEqual(before)
})
