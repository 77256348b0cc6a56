/** One event of a stream of server-sent events. */
export interface ServerSentEvent {
  readonly id: string | null
  readonly event: string
  readonly data: string
}

/**
 * Reads a stream as it comes. Not `EventSource`: that one sends no headers, and so neither a token nor the name of an account.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent, void, void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const blocks = (rest + decoder.decode(value, { stream: true })).replaceAll('\r\n', '\n').split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = eventOf(block)
        if (event) yield event
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** Nothing for comments and for `retry:` alone. */
function eventOf(block: string): ServerSentEvent | null {
  const fields = block.split('\n').flatMap((line) => {
    const [, name = '', value = ''] = /^([^:]+): ?(.*)$/.exec(line) ?? []
    return name === '' ? [] : [{ name, value }]
  })
  const data = fields.filter(({ name }) => name === 'data').map(({ value }) => value)
  if (data.length === 0) return null
  const last = (wanted: string) => fields.findLast(({ name }) => name === wanted)?.value
  return { id: last('id') ?? null, event: last('event') ?? 'message', data: data.join('\n') }
}
