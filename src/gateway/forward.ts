import type { MeteredWork } from '../index.js'
import { likelyTokens } from './bound.js'
import { type Answered, clientGone, timedOut } from './call-end.js'
import { GatewayError } from './gateway-error.js'
import type { BoundCall, CallTerms } from './model-call.js'
import { withoutSecret } from './secret.js'
import { streamAnswer } from './stream-answer.js'
import { textWithin, type UpstreamAnswer } from './upstream-answer.js'
import { upstreamRefusal } from './upstream-error.js'
import { reportUsage } from './usage-report.js'

/** An answer in one piece is not larger than this. */
const maximumAnswerBytes = 64 * 1024 * 1024

/**
 * Sends a call to its upstream and reports what it used. A stream is handed over as soon as it begins. When the client goes away, the
 * upstream is told at once, unless answers in one piece are to be finished: nothing says before their end what was produced.
 *
 * @throws GatewayError for an upstream that refuses, or does not answer: nothing was used
 */
export async function forward(
  terms: CallTerms,
  call: BoundCall,
  work: MeteredWork,
  handOver: (response: Response) => void,
): Promise<Answered> {
  const { protocol, request, model } = call
  const gone = call.asked.signal
  const ending = new AbortController()
  const timer = setTimeout(() => ending.abort(timedOut), terms.timeoutMs)
  const leave = () => ending.abort(clientGone)
  if (request.stream || !terms.finishesUnstreamed) {
    if (gone.aborted) leave()
    gone.addEventListener('abort', leave, { once: true })
  }
  const unread = (error: unknown): GatewayError => {
    if (ending.signal.reason === clientGone) {
      // It was on its way: what it asked to read may have been read.
      reportUsage(work, terms, call, { body: null, inputBody: null, produced: 0, end: 'aborted' })
      return clientGone
    }
    return ending.signal.aborted ? timedOut : unreachable(error)
  }
  try {
    const maximumOutput = model.limits.maximumOutputTokens === 0 ? null : call.output
    const body = JSON.stringify(protocol.bodyFor(request, { model: model.name, maximumOutput }))
    if (ending.signal.aborted) throw clientGone
    const answer = await call.send(body, ending.signal).catch((error: unknown) => {
      throw unread(error)
    })
    // All vendors answer with 200; what else is good elsewhere, to be fetched later or empty, is no answer.
    if (answer.status !== 200) throw await upstreamRefusal(answer, call.secret)
    const type = answer.header('content-type') ?? ''
    if (request.stream && type.includes('text/event-stream'))
      return await streamAnswer({ terms, call, work, body: answer.body, ending, handOver })
    const text = await textWithin(answer.body, maximumAnswerBytes).catch((error: unknown) => {
      throw unread(error)
    })
    return wholeAnswer(terms, call, work, { text, answer })
  } finally {
    clearTimeout(timer)
    gone.removeEventListener('abort', leave)
  }
}

function unreachable(cause: unknown): GatewayError {
  const error = new GatewayError(502, 'upstream_unavailable', 'The model could not be reached.')
  error.cause = cause
  return error
}

function wholeAnswer(
  terms: CallTerms,
  call: BoundCall,
  work: MeteredWork,
  { text, answer }: { readonly text: string; readonly answer: UpstreamAnswer },
): Answered {
  const body = parsed(text)
  const texts = body === null ? [text] : call.protocol.textsOf(body)
  const produced = texts.reduce((sum, each) => sum + likelyTokens(each, call.model.name, terms.countTokens), 0)
  reportUsage(work, terms, call, { body, inputBody: null, produced, end: 'whole' })
  const headers = { 'content-type': answer.header('content-type') ?? 'application/json' }
  return { settled: () => new Response(withoutSecret(text, call.secret), { headers }) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}
