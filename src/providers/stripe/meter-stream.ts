import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { MeteringCapability, ReportOutcome, UsageReport } from '../../core/ports/capabilities/metering.js'
import type { MeterNames } from '../door/meter-names.js'
import { parseAnswer, type StripeCall } from './call.js'
import { stripeFault } from './errors.js'
import { meterEventLimits, outcomeOf, problemWith } from './report-outcome.js'

/** The most events of one request. */
const eventsAtOnce = 100
/** A session is not used in its last minute. */
const reserveMs = 60_000

const sessionSchema = z.object({
  authentication_token: z.string().min(1),
  expires_at: z.iso.datetime({ offset: true }),
})

/**
 * Usage through the stream of meter events: a hundred reports a request, under a session of a quarter of an hour. Stripe looks at none of them before
 * it answers: `delivered` means taken, and what cannot be counted is told by thin events alone.
 *
 * @see https://docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api#use-the-api-v2
 * @see https://docs.stripe.com/api/v2/billing/meter-event-stream/create
 */
export function stripeMeterStream(call: StripeCall, eventName: MeterNames, now: () => number): MeteringCapability {
  let session: { readonly token: string; readonly expiresAt: number } | undefined

  const tokenOf = async (options: CallOptions): Promise<string> => {
    if (session && session.expiresAt - reserveMs > now()) return session.token
    const answer = await call.write(options, (client, request) =>
      client.v2.billing.meterEventSession.create({}, request),
    )
    const { authentication_token: token, expires_at } = parseAnswer(sessionSchema, answer)
    session = { token, expiresAt: Date.parse(expires_at) }
    return token
  }

  const send = async (reports: readonly UsageReport[], options: CallOptions, isAgain = false): Promise<void> => {
    const apiKey = await tokenOf(options)
    const events = reports.map((report) => ({
      event_name: eventName(report.meter, report.isShadow),
      identifier: report.identifier,
      timestamp: new Date(report.occurredAt).toISOString(),
      payload: { stripe_customer_id: report.customerId, value: report.sparks.toString() },
    }))
    try {
      await call.report(options, (client, request) =>
        client.v2.billing.meterEventStream.create({ events }, { ...request, apiKey, maxNetworkRetries: 0 }),
      )
    } catch (error) {
      if (isAgain || !isSessionOver(error)) throw error
      session = undefined
      await send(reports, options, true)
    }
  }

  const outcomes = async (reports: readonly UsageReport[], options: CallOptions): Promise<readonly ReportOutcome[]> => {
    if (options.signal?.aborted)
      return reports.map(() => ({ status: 'retry', reason: 'Not sent: the sending was stopped.' }))
    try {
      await send(reports, options)
      return reports.map(() => ({ status: 'delivered' }))
    } catch (error) {
      const outcome = outcomeOf(error)
      // A request is refused for one of them: each by itself shows which.
      if (outcome.status !== 'rejected' || reports.length === 1) return reports.map(() => outcome)
      const single: ReportOutcome[] = []
      for (const report of reports) single.push(...(await outcomes([report], options)))
      return single
    }
  }

  return {
    ...meterEventLimits,
    takesShadows: true,
    /** @throws BillingError `provider_authentication`, when the key is refused: it would be for every report */
    async report(reports, options) {
      const problems = reports.map(problemWith)
      const sound = reports.filter((_, index) => problems[index] === undefined)
      const answers: ReportOutcome[] = []
      for (let first = 0; first < sound.length; first += eventsAtOnce)
        answers.push(...(await outcomes(sound.slice(first, first + eventsAtOnce), options)))
      const next = answers[Symbol.iterator]()
      return problems.map((problem) => {
        if (problem !== undefined) return { status: 'rejected', reason: problem }
        return next.next().value ?? { status: 'unknown', reason: 'No outcome.' }
      })
    },
  }
}

/** Whether the session's token is not taken any more, which says nothing about our key. */
function isSessionOver(error: unknown): boolean {
  if (!BillingError.is(error)) return false
  const { kind, code } = stripeFault(error.cause)
  return kind === 'authentication' || code === 'billing_meter_event_session_expired'
}
