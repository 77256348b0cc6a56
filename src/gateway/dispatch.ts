import { type PieceReader, type Pieces, streamPieces, type UpstreamAnswer } from './upstream-answer.js'

// Node's `fetch` is made of a dispatcher (undici) and the streams of the web around it, which cost several times what the dispatcher does. It
// stands where its documentation says, under a name that changes with its interface, and is what proxies and agents that a host has set
// are put in for: what is sent through it goes the way that `fetch` would have gone.

/** As undici has it. @see https://github.com/nodejs/undici/blob/v6.x/docs/docs/api/Dispatcher.md */
interface Dispatcher {
  dispatch(
    request: {
      readonly origin: string
      readonly path: string
      readonly method: string
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    },
    handler: {
      onConnect(abort: (reason?: Error) => void): void
      onHeaders(status: number, headers: readonly (string | Uint8Array)[], resume: () => void): boolean
      onData(bytes: Uint8Array): boolean
      onComplete(): void
      onError(error: Error): void
    },
  ): boolean
}

const dispatcherName = Symbol.for('undici.globalDispatcher.1')
const ownFetch = globalThis.fetch
/** Where `fetch` was replaced, by tests or by whoever watches over calls, theirs is what is called. */
const isOwn = ownFetch?.name === 'fetch' && /fetchImpl|lazyUndici/.test(Function.prototype.toString.call(ownFetch))

/** The dispatcher behind a `fetch`, if there is one. */
export function dispatcherOf(fetch: typeof globalThis.fetch): Dispatcher | null {
  if (!isOwn || fetch !== ownFetch || globalThis.fetch !== ownFetch) return null
  // Made when something of it is looked at first.
  void globalThis.Headers
  return (globalThis as { readonly [dispatcherName]?: Dispatcher })[dispatcherName] ?? null
}

/** Sends a POST. @throws what it failed with, and what the signal was aborted with */
export function dispatched(
  dispatcher: Dispatcher,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    let reader: PieceReader | null = null
    let isPaused = true
    let resume = (): void => {}
    let abort = (_reason?: Error): void => {}
    const stop = (): void => {
      abort(signal.reason as Error)
      // While there is no connection there is nothing to abort yet, and nothing to wait for.
      reject(signal.reason)
    }
    /** How it ended, for a reader that comes later. */
    let ending: ((reader: PieceReader) => void) | null = null
    const end = (how: (reader: PieceReader) => void): void => {
      signal.removeEventListener('abort', stop)
      ending = how
      if (reader) how(reader)
    }
    const pieces: Pieces = {
      read(given) {
        reader = given
        if (ending) ending(given)
        else pieces.resume()
      },
      pause() {
        isPaused = true
      },
      resume() {
        isPaused = false
        resume()
      },
      cancel() {
        reader = null
        abort()
      },
    }
    signal.addEventListener('abort', stop, { once: true })
    dispatcher.dispatch(
      { origin: url.origin, path: `${url.pathname}${url.search}`, method: 'POST', headers, body },
      {
        onConnect(given) {
          abort = given
          if (signal.aborted) stop()
        },
        onHeaders(status, raw, go) {
          if (status < 200) return true
          resume = go
          const header = (name: string): string | null => headerOf(raw, name)
          resolve({ status, header, body: decoded(pieces, header('content-encoding')) })
          return !isPaused
        },
        onData(bytes) {
          reader?.piece(bytes)
          return !isPaused
        },
        onComplete() {
          end((told) => told.end())
        },
        onError(error) {
          reject(error)
          end((told) => told.fail(error))
        },
      },
    )
  })
}

function headerOf(raw: readonly (string | Uint8Array)[], name: string): string | null {
  const values: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2)
    if (raw[at]?.length === name.length && textOf(raw[at]).toLowerCase() === name)
      values.push(textOf(raw[at + 1]).trim())
  return values.length === 0 ? null : values.join(', ')
}

function textOf(value: string | Uint8Array | undefined): string {
  return typeof value === 'string' ? value : String.fromCharCode(...(value ?? []))
}

/** Nothing compressed is asked for; what comes so all the same is read. */
function decoded(pieces: Pieces, encoding: string | null): Pieces {
  const name = encoding?.toLowerCase() ?? 'identity'
  if (name === 'identity') return pieces
  const format = name === 'gzip' || name === 'x-gzip' ? 'gzip' : name === 'deflate' ? 'deflate' : null
  if (format === null)
    return { ...pieces, read: (reader) => reader.fail(new TypeError(`The answer is encoded as ${name}.`)) }
  const compressed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) =>
      pieces.read({
        piece(bytes) {
          controller.enqueue(new Uint8Array(bytes))
          if ((controller.desiredSize ?? 0) <= 0) pieces.pause()
        },
        end: () => controller.close(),
        fail: (error) => controller.error(error),
      }),
    pull: () => pieces.resume(),
    cancel: () => pieces.cancel(),
  })
  return streamPieces(compressed.pipeThrough(new DecompressionStream(format)))
}
