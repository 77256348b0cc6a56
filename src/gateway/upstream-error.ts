import { GatewayError } from './gateway-error.js'
import { fieldOf, jsonOf, textOf } from './protocols/protocol.js'
import { textWithin, type UpstreamAnswer } from './upstream-answer.js'

/** What of a refusal's headers is passed on. */
const passed = ['retry-after', 'retry-after-ms', 'x-should-retry']
const maximumText = 2_000
const maximumBytes = 100_000

/**
 * What clients are told of an upstream's refusal: what they did wrong, in its words, and of what lies between us and the upstream only that
 * it is not theirs to mend.
 *
 * @param secret what they are not told, should the upstream say it
 */
export async function upstreamRefusal(answer: UpstreamAnswer, secret: string | null): Promise<GatewayError> {
  const { status } = answer
  const body = jsonOf(await textWithin(answer.body, maximumBytes).catch(() => ''))
  const [first] = Array.isArray(body) ? (body as readonly unknown[]) : [body]
  const told = textOf(fieldOf(first, 'error', 'message'))
  const said = (secret ? told.replaceAll(secret, '…') : told).slice(0, maximumText)
  const headers = Object.fromEntries(
    passed.flatMap((name) => {
      const value = answer.header(name)
      return value === null ? [] : [[name, value]]
    }),
  )
  // Its key, its account, its money: ours, and its words may name them.
  if (status === 401 || status === 402 || status === 403)
    return new GatewayError(502, 'upstream_refused', 'The model could not be called.')
  if (status === 404) return new GatewayError(404, 'model_not_found', 'The upstream has no such model.')
  if (status === 429)
    return new GatewayError(429, 'rate_limit_exceeded', 'The model is busy. Try again later.', {}, headers)
  if (status >= 400 && status < 500)
    return new GatewayError(status, 'invalid_request', said || 'The model does not take this request.', {}, headers)
  if (status >= 500) return new GatewayError(status, 'upstream_failed', 'The model failed to answer.', {}, headers)
  return new GatewayError(502, 'upstream_failed', `The model answered with status ${status}.`)
}
