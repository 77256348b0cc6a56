import type { AccountChange } from '../index.js'
import { changeFrame } from './wire/change.js'

/** How a stream of changes is kept up. */
export interface EventStreamOptions {
  /** How many streams an account may have open in this process; default 10. */
  readonly maximumPerAccount?: number
  /** How often something is sent though nothing happens, so that nobody on the way takes the stream for dead; default 15. */
  readonly heartbeatSeconds?: number
  /** How long a stream lasts before the browser opens it again, and is asked again who it is; default 600. */
  readonly maximumSeconds?: number
}

/** Changes as server-sent events, read only as fast as they are taken. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
export function eventStream(
  { first, rest }: { readonly first: AccountChange | null; readonly rest: AsyncIterator<AccountChange> },
  { heartbeatSeconds = 15, maximumSeconds = 600 }: EventStreamOptions,
  {
    abort,
    onEnd,
    onError,
  }: { readonly abort: () => void; readonly onEnd: () => void; readonly onError: (error: unknown) => void },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const frames = framesOf(first, rest, heartbeatSeconds * 1_000, performance.now() + maximumSeconds * 1_000)
  let isEnded = false
  const finish = () => {
    if (isEnded) return
    isEnded = true
    abort()
    onEnd()
  }
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await frames.next()
        if (!done) return controller.enqueue(encoder.encode(value))
      } catch (error) {
        // The browser comes again, after the last event it has.
        onError(error)
      }
      finish()
      controller.close()
    },
    async cancel() {
      finish()
      await frames.return()
    },
  })
}

async function* framesOf(
  first: AccountChange | null,
  rest: AsyncIterator<AccountChange>,
  heartbeatMs: number,
  until: number,
): AsyncGenerator<string, void, void> {
  try {
    yield 'retry: 2000\n\n'
    if (first) yield changeFrame(first)
    let next = rest.next()
    for (;;) {
      const left = until - performance.now()
      if (left <= 0) return
      const found = await inTime(next, Math.min(heartbeatMs, left))
      if (found === null) {
        yield ': nothing new\n\n'
        continue
      }
      if (found.done) return
      yield changeFrame(found.value)
      next = rest.next()
    }
  } finally {
    // Not waited for: it ends with the signal.
    rest.return?.()?.catch(() => {})
  }
}

/** `null` when it takes longer. */
async function inTime<T>(work: Promise<T>, ms: number): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ms, null)
    ;(timer as { unref?: () => void }).unref?.()
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
