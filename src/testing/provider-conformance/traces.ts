import { BillingError } from '../../core/errors.js'
import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual } from '../conformance.js'
import { dayMs, type ProviderConformanceCase, type ProviderConformanceSubject, unique } from './subject.js'

export function tracesCases(
  traces: Capabilities['traces'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const unknown = () => unique('0').replaceAll(/\D/g, '').padStart(32, '0').slice(-32)
  return [
    {
      name: 'traces: a trace that is not known has no observations',
      needs: 'traces',
      async run() {
        expectEqual(await traces.list({ traceId: unknown() }, null, {}), { observations: [], next: null }, 'the page')
      },
    },
    {
      name: 'traces: what began in a time is read page by page, and comes to an end',
      needs: 'traces',
      async run() {
        const span = { from: subject.now() - dayMs, to: subject.now() }
        let cursor: string | null = null
        do {
          const page: Awaited<ReturnType<typeof traces.list>> = await traces.list(span, cursor, {})
          const strays = page.observations.filter(({ startedAt }) => startedAt < span.from || startedAt >= span.to)
          expectEqual(strays, [], 'observations that began at another time')
          cursor = page.next
        } while (cursor !== null)
      },
    },
    {
      name: 'traces: reading that is stopped fails, and gives no page',
      needs: 'traces',
      async run() {
        const query = { from: subject.now() - dayMs, to: subject.now() }
        const answer = await traces.list(query, null, { signal: AbortSignal.abort() }).catch((error: unknown) => error)
        expectEqual(BillingError.is(answer), true, 'whether it is an error of ours')
      },
    },
  ]
}
