import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as after } from 'node:timers/promises'

// A model that costs next to nothing, so that what lies between it and its clients is what is measured: it answers every request with the
// same stream, as `/says?pieces=…&everyMs=…` has told it, and writes each event by itself.

/** @param {unknown} delta @param {object} [more] */
const event = (delta, more = {}) => {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: null }]
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'gpt-5' }
  return `data: ${JSON.stringify({ ...head, service_tier: 'default', system_fingerprint: 'fp_1', choices, usage: null, ...more })}\n\n`
}
const first = Buffer.from(event({ role: 'assistant', content: '', refusal: null }))
const piece = Buffer.from(event({ content: ' credits' }))
/** @param {number} pieces */
const last = (pieces) => {
  const usage = { prompt_tokens: 11, completion_tokens: pieces, total_tokens: 11 + pieces }
  return `${event({})}${event({}, { choices: [], usage })}data: [DONE]\n\n`
}

let pieces = 0
let everyMs = 0
const server = createServer(async (request, response) => {
  await once(request.resume(), 'end')
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://model.local')
  if (pathname === '/says') {
    pieces = Number(searchParams.get('pieces'))
    everyMs = Number(searchParams.get('everyMs'))
    response.end()
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(first)
  for (let count = 0; count < pieces && !response.destroyed; count += 1) {
    if (everyMs > 0) await after(everyMs)
    // Without a pause it waits for its reader, and for its turn.
    else if (response.writableNeedDrain) await Promise.race([once(response, 'drain'), once(response, 'close')])
    else await new Promise(setImmediate)
    response.write(piece)
  }
  response.end(last(pieces))
})
server.keepAliveTimeout = 600_000
server.listen(0, '127.0.0.1', () => process.send?.(server.address()))
process.once('disconnect', () => process.exit())
