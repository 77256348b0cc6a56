import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { MeteringCapability, ReportOutcome, UsageReport } from '../../core/ports/capabilities/metering.js'
import type { MeterNames } from '../door/meter-names.js'
import { type LagoCall, parseAnswer } from './call.js'
import { sparksProperty } from './metrics.js'
import { outcomeOf, problemsByIndex, problemWith } from './report-outcome.js'
import { reachMs, type UsageLine } from './usage-line.js'

/** The most that Lago takes at once. */
const batchSize = 100

const answerSchema = z.object({ events: z.array(z.object({ transaction_id: z.string() })) })

/** PostgreSQL keeps ids for ever; a store of ClickHouse takes an event as often as it is sent. */
const dedupeWindows = { postgres: Number.MAX_SAFE_INTEGER, clickhouse: 0 } as const

/**
 * Usage as events: one for each report, of whole Sparks, under the report's own identifier. Lago takes an event that it cannot count
 * (no such metric or subscription) and tells of it later by webhook; `delivered` means that it was taken.
 *
 * @see https://docs.getlago.com/api-reference/events/batch
 */
export function lagoMetering(
  call: LagoCall,
  line: UsageLine,
  codeOf: MeterNames,
  eventStore: keyof typeof dedupeWindows,
): MeteringCapability {
  const toEvent = ({ identifier, customerId, meter, sparks, occurredAt, isShadow }: UsageReport) => ({
    transaction_id: identifier,
    external_subscription_id: line.idOf(customerId),
    code: codeOf(meter, isShadow),
    timestamp: seconds(occurredAt),
    properties: { [sparksProperty]: sparks.toString() },
  })

  const sendBatch = async (batch: readonly UsageReport[], options: CallOptions): Promise<readonly ReportOutcome[]> => {
    const [first] = batch
    if (first === undefined) return []
    try {
      const answer = await call.report(options, (client, request) =>
        client.events.createBatchEvents({ events: batch.map(toEvent) }, request),
      )
      const { events } = parseAnswer(answerSchema, answer)
      if (events.length === batch.length) return batch.map(() => ({ status: 'delivered' }))
      return batch.map(() => ({ status: 'unknown', reason: `Lago took ${events.length} of ${batch.length} events.` }))
    } catch (error) {
      const problems = problemsByIndex(error, batch.length)
      if (problems !== null) {
        // One event that is refused takes the batch with it: the others are sent again without it.
        const others = await sendBatch(
          batch.filter((_, index) => !problems.has(index)),
          options,
        )
        let place = 0
        return batch.map((_, index) => problems.get(index) ?? (others[place++] as ReportOutcome))
      }
      const outcome = outcomeOf(error)
      if (outcome.status !== 'rejected' || batch.length === 1) return batch.map(() => outcome)
      // Which one it is about Lago does not say.
      const middle = Math.ceil(batch.length / 2)
      const left = await sendBatch(batch.slice(0, middle), options)
      return [...left, ...(await sendBatch(batch.slice(middle), options))]
    }
  }

  return {
    dedupeWindowMs: dedupeWindows[eventStore],
    maximumAgeMs: reachMs,
    takesShadows: true,
    collect: (customer, options) => line.collect(customer, codeOf, options),
    async chargedShadows(customerId, meters, options) {
      const shadows = new Map(meters.map((meter) => [codeOf(meter, true), meter]))
      return (await line.charges(customerId, [...shadows.keys()], options)).flatMap((code) => shadows.get(code) ?? [])
    },
    /** @throws BillingError `provider_authentication`, when the key is refused: it would be for every report */
    async report(reports, options) {
      const outcomes: (ReportOutcome | undefined)[] = reports.map(problemWith)
      const sound = [...reports.keys()].filter((index) => outcomes[index] === undefined)
      for (let start = 0; start < sound.length; start += batchSize) {
        const places = sound.slice(start, start + batchSize)
        const sent = await settle(
          places.map((place) => reports[place] as UsageReport),
          options,
        )
        for (const [index, place] of places.entries()) outcomes[place] = sent[index]
      }
      return outcomes.map((outcome) => outcome ?? { status: 'unknown', reason: 'Lago gave no outcome.' })
    },
  }

  async function settle(batch: readonly UsageReport[], options: CallOptions): Promise<readonly ReportOutcome[]> {
    if (options.signal?.aborted)
      return batch.map(() => ({ status: 'retry', reason: 'Not sent: the sending was stopped.' }))
    try {
      return await sendBatch(batch, options)
    } catch (error) {
      if (!BillingError.is(error) || error.code !== 'provider_response_invalid') throw error
      return batch.map(() => ({ status: 'unknown', reason: error.message }))
    }
  }
}

/** To the millisecond, and as text, so that no fraction is rounded on the way. */
function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')}`
}
