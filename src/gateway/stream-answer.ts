import { piecesResponse, type TextPieces } from '../http/text-pieces.js'
import type { MeteredWork } from '../index.js'
import { alikeEvents } from './alike-events.js'
import { likelyTokens } from './bound.js'
import { type Answered, clientGone, timedOut } from './call-end.js'
import { type EventBlocks, type EventText, eventBlocks } from './event-stream.js'
import { insufficientFunds } from './funds.js'
import { GatewayError } from './gateway-error.js'
import type { BoundCall, CallTerms } from './model-call.js'
import { withoutSecret } from './secret.js'
import type { Pieces } from './upstream-answer.js'
import { type KnownUsage, reportUsage } from './usage-report.js'

interface Streaming {
  readonly terms: CallTerms
  readonly call: BoundCall
  readonly work: MeteredWork
  /** What the upstream sends. */
  readonly body: Pieces
  /** Ends the upstream's work. */
  readonly ending: AbortController
  readonly handOver: (response: Response) => void
}

type End = KnownUsage['end']

/**
 * Hands a stream over event by event, counts what is produced, and reports it when it ends: whole, cut off by the upstream, left by the
 * client, out of time, or longer than what is held for. The last event is handed over when the call is paid for.
 */
export async function streamAnswer({ terms, call, work, body, ending, handOver }: Streaming): Promise<Answered> {
  const { protocol, request, model } = call
  const watch = alikeEvents(protocol.watch(request))
  const blocks = eventBlocks(body)
  const ended = deferred<End>()
  const paid = deferred<GatewayError | null>()
  const allowed = call.output * request.choices
  let produced = 0
  /** The same, without guessing: what was produced at least. */
  let counted = 0
  let last = ''

  /** Goes through events: their text for the client, and how the stream ended, if it did. */
  const look = (events: EventText): { readonly text: string; readonly end?: End } => {
    const { text } = events
    let kept = ''
    /** What follows what is kept: handed over as it came, as nearly all is. */
    let from = 0
    const until = (end: number) => kept + text.slice(from, end)
    for (let start = 0; start < text.length; ) {
      const end = events.endOf(start)
      const seen = watch.see(text, start, end)
      if (seen && seen.text !== '') {
        // An event with text is a token at least.
        const tokens = Math.max(1, likelyTokens(seen.text, model.name, terms.countTokens))
        counted += terms.countTokens ? tokens : 1
        if (counted > allowed && allowed > 0) return { text: until(start), end: 'stopped' }
        produced += tokens
      }
      if (seen?.isLast) {
        last = text.slice(start, end)
        return { text: until(start), end: 'whole' }
      }
      if (seen && !seen.isForwarded) {
        kept = until(start)
        from = end
      }
      start = end
    }
    return { text: until(text.length) }
  }
  /** Why it was left here, if it was. */
  const left = (): End | null => {
    const { reason } = ending.signal
    return reason === clientGone ? 'aborted' : reason === timedOut ? 'timeout' : null
  }
  /** Up to the next events for the client. */
  const next = async (): Promise<{ readonly text: string; readonly end?: End }> => {
    for (;;) {
      const events = await blocks.next()
      // What was read is over also where its reading was ended here.
      if (events === null) return { text: '', end: left() ?? 'whole' }
      const step = look(events)
      if (step.text !== '' || step.end !== undefined) return step
    }
  }
  const cutShort = (error: unknown): End => {
    const end = left()
    if (end === null) terms.onError(error, call.id)
    return end ?? 'cut'
  }
  let isOver = false
  let closing: End | undefined
  /** What the client is told last, once its call is paid for. */
  const closingText = async (end: End): Promise<string | null> => {
    isOver = true
    const error = (await paid.promise) ?? (await problemOf(end, terms, call))
    if (end === 'aborted') return null
    return (error === null ? withoutSecret(last, call.secret) : protocol.errorEvent(error, call.id)) || null
  }
  const pieces: TextPieces = {
    async next() {
      if (isOver) return null
      if (closing !== undefined) return closingText(closing)
      const step = await next().catch((error: unknown) => ({ text: '', end: cutShort(error) }))
      const text = withoutSecret(step.text, call.secret)
      if (step.end === undefined) return text
      closing = step.end
      ended.resolve(closing)
      return text === '' ? closingText(closing) : text
    },
    cancel() {
      ending.abort(clientGone)
      ended.resolve('aborted')
    },
  }
  ending.signal.addEventListener('abort', () => {
    // Also while nobody asks for more.
    ended.resolve(ending.signal.reason === clientGone ? 'aborted' : 'timeout')
  })
  const headers = { 'content-type': 'text/event-stream; charset=utf-8' }
  const response = piecesResponse(call.asked, pieces, headers)
  handOver(response)

  const end = await ended.promise
  // What came and was not taken any more was produced all the same.
  if (end === 'aborted' || end === 'timeout') look(blocks.rest())
  letGo(end, blocks, ending).catch(() => {})
  try {
    reportUsage(work, terms, call, { body: watch.usage(), inputBody: watch.inputUsage(), produced, end })
  } catch (error) {
    paid.resolve(null)
    throw error
  }
  return {
    settled(error) {
      paid.resolve(error)
      return response
    },
  }
}

/** Why an upstream that has nothing more to say is left. */
const over = new Error('The stream is over.')
/** How long the end of a stream may come after its last event. */
const closingMs = 1_000

/** Has no more produced. Of a stream that was whole the rest is read away, so that its connection serves the next call. */
async function letGo(end: End, blocks: EventBlocks, ending: AbortController): Promise<void> {
  if (end !== 'whole') {
    ending.abort(over)
    blocks.cancel()
    return
  }
  const timer = setTimeout(() => ending.abort(over), closingMs)
  try {
    while ((await blocks.next()) !== null);
  } finally {
    clearTimeout(timer)
  }
}

/** What a client is told at the end of a stream that is not whole. */
async function problemOf(end: End, terms: CallTerms, call: BoundCall): Promise<GatewayError | null> {
  switch (end) {
    case 'whole':
    case 'aborted':
      return null
    case 'stopped':
      return insufficientFunds(terms, call.caller)
    case 'timeout':
      return timedOut
    case 'cut':
      return new GatewayError(502, 'upstream_failed', 'The model stopped in the middle of its answer.')
  }
}

function deferred<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve: (value) => resolve(value) }
}
