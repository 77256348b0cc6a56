import { BillingError, type MeteredWork } from '../index.js'
import { boundOf } from './bound.js'
import type { Answered } from './call-end.js'
import { forward } from './forward.js'
import { affordableOutput, insufficientFunds, measureOf } from './funds.js'
import { gatewayError } from './gateway-error.js'
import type { BoundCall, CallTerms, ModelCall } from './model-call.js'

/** What a hold outlives its call by. */
const marginMs = 60_000
const maximumAttempts = 6

/**
 * Calls a model behind a hold for the most that the call may cost, and charges what it used.
 *
 * Where there is not enough for that, the answer is asked to be as short as there is money for. An answer in one piece is handed over
 * once it is paid for; of one that is streamed that is the last event.
 *
 * @throws GatewayError, BillingError
 */
export async function callModel(terms: CallTerms, call: ModelCall): Promise<Response> {
  const bound = boundOf(call.request, call.model, terms.countTokens)
  let { output } = bound
  for (let attempt = 1; ; attempt += 1) {
    const bounded = { ...call, bound, output }
    const answered = await attemptCall(terms, bounded, `${call.id}:${attempt}`)
    if (answered instanceof Response) return answered
    if (attempt === maximumAttempts) throw await insufficientFunds(terms, call.caller)
    output = await affordableOutput(terms, bounded, answered)
  }
}

/** @returns the answer, or why nothing could be held for it: then nothing was sent */
function attemptCall(terms: CallTerms, call: BoundCall, idempotencyKey: string): Promise<Response | BillingError> {
  const { billing, timeoutMs, onError } = terms
  return new Promise((resolve, reject) => {
    let isHeld = false
    let isHandedOver = false
    let answered: Answered | undefined
    const handOver = (response: Response): void => {
      isHandedOver = true
      resolve(response)
    }
    const work = async (metered: MeteredWork): Promise<void> => {
      isHeld = true
      answered = await forward(terms, call, metered, handOver)
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
