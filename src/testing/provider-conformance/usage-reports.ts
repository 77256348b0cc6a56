import type { UsagePeriods } from '../../core/ports/capabilities/usage-reports.js'
import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual } from '../conformance.js'
import { customerOf, dayMs, type ProviderConformanceCase, type ProviderConformanceSubject, unique } from './subject.js'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

export function usageReportCases(
  reports: Capabilities['usage-reports'],
  metering: Capabilities['metering'],
  subject: ProviderConformanceSubject,
  meter: string,
): readonly ProviderConformanceCase[] {
  return [
    {
      name: 'usage-reports: what was counted is told by hours and days, without those that have nothing',
      needs: 'usage-reports',
      async run() {
        const customerId = await customerOf(subject)
        const day = Math.floor(subject.now() / dayMs - 3) * dayMs
        const report = (sparks: bigint, hour: number) => ({
          identifier: unique('report'),
          customerId,
          meter,
          sparks,
          occurredAt: day + hour * hourMs + minuteMs,
        })
        await metering.report([report(3n, 2), report(5n, 7), report(7n, 7), report(11n, 30)], {})
        const range = { customerId, meter, from: day, to: day + 2 * dayMs }
        const told = async (by: 'hour' | 'day', ms: number) =>
          (await reports.parts({ ...range, by }, {})).map(({ startsAt, sparks }) => [(startsAt - day) / ms, sparks])
        expectEqual(
          await told('hour', hourMs),
          [
            [2, 3n],
            [7, 12n],
            [30, 11n],
          ],
          'the hours',
        )
        expectEqual(
          await told('day', dayMs),
          [
            [0, 15n],
            [1, 11n],
          ],
          'the days',
        )
      },
    },
    {
      name: 'usage-reports: what is charged for usage is told by billing periods, by meter, and is what the prices say',
      needs: 'usage-reports',
      async run() {
        // One that does not say what it charges is asked for sums alone.
        if (!reports.periods) return
        const periods = reports.periods.bind(reports)
        const customerId = await customerOf(subject)
        const of = (which: UsagePeriods, meters = [meter, unique('meter')]) =>
          periods({ customerId, which, meters }, {})
        const price = { meter, sparkPrice: '0.01' }
        const collected = { accountId: customerId, customerId, currency: 'USD', overage: [price] }
        await metering.collect?.({ ...collected, from: subject.now() - 5 * minuteMs }, {})
        const report = { customerId, meter, occurredAt: subject.now() - minuteMs }
        const first = { ...report, identifier: unique('report'), sparks: 45n }
        await metering.report([first, { ...report, identifier: unique('report'), sparks: -3n }], {})
        await metering.report([first], {})
        const [current, ...more] = await of('current')
        expectEqual(more, [], 'the periods under way beside the first')
        if (current === undefined) throw new Error('The period that is under way is not told.')
        const now = subject.now()
        expectEqual(current.startsAt <= now && now < current.endsAt, true, 'whether it is under way')
        const usage = current.meters.map(({ meter: name, sparks }) => [name, sparks])
        expectEqual(usage, [[meter, 42_000_000n]], 'what was used, in micro-sparks')
        if (metering.collect) {
          expectEqual(current.amount, { currency: 'USD', nanos: 420_000_000n }, 'what is charged for it')
          expectEqual(current.meters[0]?.amount, current.amount, 'what is charged for the meter')
        }
        expectEqual((await of('current', []))[0]?.meters, [], 'the meters when none is asked for')
        const [projected] = await of('projected')
        if (projected !== undefined)
          expectEqual(
            [projected.startsAt, projected.endsAt, projected.amount.nanos >= current.amount.nanos],
            [current.startsAt, current.endsAt, true],
            'the period as it will end',
          )
        const past = await of('past')
        const begins = [current, ...past].map(({ startsAt }) => startsAt)
        expectEqual(
          begins,
          begins.toSorted((left, right) => right - left),
          'the periods, newest first',
        )
        expectEqual(
          past.every(({ startsAt, endsAt }) => startsAt < endsAt && endsAt <= now),
          true,
          'whether they are over',
        )
      },
    },
    {
      name: 'usage-reports: whoever nobody knows is charged for nothing by period',
      needs: 'usage-reports',
      async run() {
        if (!reports.periods) return
        for (const which of ['current', 'projected', 'past'] as const) {
          const told = await reports.periods({ customerId: unique('nobody'), which, meters: [meter] }, {})
          expectEqual(told, [], `the ${which} periods`)
        }
      },
    },
  ]
}
