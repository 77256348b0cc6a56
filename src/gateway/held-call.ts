import { BillingError, type MeteredWork } from '../index.js'
import type { Answered } from './call-end.js'
import { affordableOutput, insufficientFunds, measureOf } from './funds.js'
import { gatewayError } from './gateway-error.js'
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
    const answered = await attemptCall(terms, held, work, `${call.id}:${attempt}`)
    if (!isRefusal(answered)) return answered
    if (attempt === maximumAttempts) throw await insufficientFunds(terms, call.caller)
    output = await affordableOutput(terms, held, answered)
  }
}

/** @returns the answer, or why nothing could be held for it: then nothing was sent */
function attemptCall<T extends object>(
  terms: CallTerms,
  call: HeldCall,
  run: HeldWork<T>,
  idempotencyKey: string,
): Promise<T | BillingError> {
  const { billing, timeoutMs, onError } = terms
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
    const { meter, ...estimate } = measureOf(terms, call, call.output)
    const ttlMs = timeoutMs + marginMs
    const dimensions = { endpoint: call.protocol.name }
    billing.meter({ ...call.caller, meter, estimate, ttlMs, dimensions, idempotencyKey }, work).then(
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
  })
}

/** Whether the ledger said that there is not enough, and no more was wrong than that. */
function isRefusal(error: unknown): error is BillingError {
  return BillingError.is(error) && 'reason' in error.details
}
