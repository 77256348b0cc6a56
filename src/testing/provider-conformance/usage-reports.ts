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
  ]
}
