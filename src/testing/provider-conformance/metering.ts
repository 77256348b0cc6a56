import type { UsageReport } from '../../core/ports/capabilities/metering.js'
import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual } from '../conformance.js'
import { customerOf, dayMs, type ProviderConformanceCase, type ProviderConformanceSubject, unique } from './subject.js'

const minuteMs = 60_000

export function meteringCases(
  metering: Capabilities['metering'],
  subject: ProviderConformanceSubject,
  meter: string,
): readonly ProviderConformanceCase[] {
  const report = (customerId: string, sparks: bigint): UsageReport => ({
    identifier: unique('report'),
    customerId,
    meter,
    sparks,
    occurredAt: subject.now() - minuteMs,
  })
  /** What the provider counted, where it can say. */
  const expectTotal = async (customerId: string, sparks: bigint) => {
    const thisMinute = Math.floor(subject.now() / minuteMs) * minuteMs
    const range = { from: thisMinute - 60 * minuteMs, to: thisMinute + minuteMs }
    const total = await subject.provider['usage-reports']?.total({ customerId, meter, ...range }, {})
    if (total !== undefined) expectEqual(total.sparks, sparks, 'the Sparks that were counted')
  }
  return [
    {
      name: 'metering: no reports, no outcomes',
      needs: 'metering',
      async run() {
        expectEqual(await metering.report([], {}), [], 'the outcomes of nothing')
      },
    },
    {
      name: 'metering: a report that is sent again is delivered, and counted once',
      needs: 'metering',
      async run() {
        const customerId = await customerOf(subject)
        const frozen = report(customerId, 7n)
        expectEqual(await metering.report([frozen], {}), [{ status: 'delivered' }], 'the first outcome')
        expectEqual(await metering.report([frozen], {}), [{ status: 'delivered' }], 'the outcome of the repeat')
        await expectTotal(customerId, 7n)
      },
    },
    {
      name: 'metering: what another provider collects is counted apart, and is none of what this one charges',
      needs: 'metering',
      async run() {
        // One that has no shadows says so, and is never told beside another.
        if (!metering.takesShadows) return
        const shadow = { name: meter, unit: 'unit', isShadow: true }
        await subject.provider.catalog?.apply({ meters: [{ name: meter, unit: 'unit' }, shadow], prices: [] }, {})
        const customerId = await customerOf(subject)
        const frozen = { ...report(customerId, 13n), isShadow: true }
        expectEqual(await metering.report([frozen], {}), [{ status: 'delivered' }], 'the outcome')
        expectEqual(await metering.report([frozen], {}), [{ status: 'delivered' }], 'the outcome of the repeat')
        await expectTotal(customerId, 0n)
        const thisMinute = Math.floor(subject.now() / minuteMs) * minuteMs
        const range = { from: thisMinute - 60 * minuteMs, to: thisMinute + minuteMs, isShadow: true }
        const total = await subject.provider['usage-reports']?.total({ customerId, meter, ...range }, {})
        if (total !== undefined) expectEqual(total.sparks, 13n, 'the Sparks of the shadow')
      },
    },
    {
      name: 'metering: an identifier counts once even when two senders send it at once',
      needs: 'metering',
      async run() {
        const customerId = await customerOf(subject)
        const frozen = report(customerId, 11n)
        await Promise.all([metering.report([frozen], {}), metering.report([frozen], {})])
        expectEqual(await metering.report([frozen], {}), [{ status: 'delivered' }], 'the outcome of the repeat')
        await expectTotal(customerId, 11n)
      },
    },
    {
      name: 'metering: there is one outcome per report, in order, and a bad one harms no other',
      needs: 'metering',
      async run() {
        const customerId = await customerOf(subject)
        const good = [report(customerId, 1n), report(customerId, 2n)] as const
        const tooOld = { ...report(customerId, 4n), occurredAt: subject.now() - metering.maximumAgeMs - dayMs }
        const outcomes = await metering.report([good[0], tooOld, good[1]], {})
        expectEqual(outcomes.length, 3, 'the number of outcomes')
        expectEqual(
          [outcomes[0]?.status, outcomes[2]?.status],
          ['delivered', 'delivered'],
          'the outcomes of the good reports',
        )
        expectEqual(outcomes[1]?.status === 'retry', false, 'whether what is too old is to be sent again')
        await expectTotal(customerId, 3n)
      },
    },
    {
      name: 'metering: a report of less than nothing takes back what was reported',
      needs: 'metering',
      async run() {
        const customerId = await customerOf(subject)
        const outcomes = await metering.report([report(customerId, 50n), report(customerId, -20n)], {})
        expectEqual(outcomes, [{ status: 'delivered' }, { status: 'delivered' }], 'the outcomes')
        await expectTotal(customerId, 30n)
      },
    },
  ]
}
