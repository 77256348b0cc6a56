import { boundOf } from './bound.js'
import { forward } from './forward.js'
import { heldCall } from './held-call.js'
import type { CallTerms, ModelCall } from './model-call.js'

/**
 * Calls a model behind a hold for the most that the call may cost, and charges what it used. An answer in one piece is handed over once it
 * is paid for; of one that is streamed that is the last event.
 *
 * @throws GatewayError, BillingError
 */
export async function callModel(terms: CallTerms, call: ModelCall): Promise<Response> {
  const bound = boundOf(call.request, call.model, terms.countTokens)
  const costed = { ...call, bound }
  return heldCall(terms, costed, (output, work, handOver) => forward(terms, { ...costed, output }, work, handOver))
}
