import { BillingError, type LeaseToken, type MeteredWork } from '../index.js'
import type { Answered } from './call-end.js'
import { affordableOutput, insufficientFunds, measureOf } from './funds.js'
import { gatewayError } from './gateway-error.js'
import { noteOf } from './lost-call.js'
import type { CallTerms, CostedCall, HeldCall } from './model-call.js'

/** Calls a model for an answer of at most so many tokens, reports what was used, and may hand the answer over before it has ended. */
export type HeldWork<T> = (output: number, work: MeteredWork, handOver: (answer: T) => void) => Promise<Answered<T>>

/** What a hold outlives its call by. */
const marginMs = 60_000
const maximumAttempts = 6

/**
 * Runs a call of a model behind a hold for the most that it may cost, and charges what it reports. Where there is not enough for that, the
 * answer is asked to be as short as there is money for.
 *
 * @throws GatewayError, BillingError, and what the work throws
 */
export async function heldCall<T extends object>(terms: CallTerms, call: CostedCall, work: HeldWork<T>): Promise<T> {
  let { output } = call.bound
  for (let attempt = 1; ; attempt += 1) {
    const held = { ...call, output }
    const leaseToken = attempt === 1 ? await leaveFor(terms, held) : null
    const answered = await attemptCall(terms, held, work, { idempotencyKey: `${call.id}:${attempt}`, leaseToken })
    if (!isRefusal(answered)) return answered
    if (attempt === maximumAttempts) throw await insufficientFunds(terms, call.caller)
    // With what was set aside for this caller there may be enough.
    if (attempt === 1 && (await terms.leases?.giveBack(call.caller))) continue
    output = await affordableOutput(terms, held, answered)
  }
}

/** @returns the answer, or why nothing could be held for it: then nothing was sent */
function attemptCall<T extends object>(
  terms: CallTerms,
  call: HeldCall,
  run: HeldWork<T>,
  { idempotencyKey, leaseToken }: { readonly idempotencyKey: string; readonly leaseToken: LeaseToken | null },
): Promise<T | BillingError> {
  const { billing, timeoutMs, onError } = terms
  const { meter, ...estimate } = measureOf(terms, call, call.output)
  const reason = noteOf(terms, call)
  const backing = leaseToken ? { leaseToken } : { ttlMs: timeoutMs + marginMs, ...(reason && { reason }) }
  return new Promise((resolve, reject) => {
    let isHeld = false
    let isHandedOver = false
    let answered: Answered<T> | undefined
    const handOver = (answer: T): void => {
      isHandedOver = true
      resolve(answer)
    }
    const work = async (metered: MeteredWork): Promise<void> => {
      isHeld = true
      answered = await run(call.output, metered, handOver)
    }
    const dimensions = { endpoint: call.protocol.name }
    billing
      .meter({ ...call.caller, meter, estimate, ...backing, dimensions, idempotencyKey }, work)
      .then(
        () => {
          if (answered) handOver(answered.settled(null))
        },
        (error: unknown) => {
          if (!isHeld && isRefusal(error)) return resolve(error)
          if (!isHandedOver) return reject(error)
          // A stream that could not be paid for has no end.
          onError(error, call.id)
          answered?.settled(gatewayError(error))
        },
      )
      .catch(reject)
  })
}

/** Leave of a lease for the most that a call may cost, if there is one. */
async function leaveFor(terms: CallTerms, call: HeldCall): Promise<LeaseToken | null> {
  if (terms.leases === null) return null
  const { sparks } = await terms.billing.quote(measureOf(terms, call, call.output))
  return sparks === 0n ? null : terms.leases.take(call.caller, sparks)
}

/** Whether the ledger said that there is not enough, and no more was wrong than that. */
function isRefusal(error: unknown): error is BillingError {
  return BillingError.is(error) && 'reason' in error.details
}
