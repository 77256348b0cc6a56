import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { toNodeListener } from 'billfold/http/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { piecesOf, piecesResponse, takePieces, webResponse } from '../../src/http/text-pieces.js'

// Bodies that Node's servers take piece by piece: what is sent must be what the streams of the web would have sent.

let server: Server
let port: number
let answer: (request: Request) => Response | Promise<Response>
let cancelled = 0

beforeAll(async () => {
  server = createServer(toNodeListener(Object.assign(async (request: Request) => answer(request), { basePath: '' })))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const never = new Promise<string | null>(() => {})

function bodyOf(request: Request | null, next: () => Promise<string | null>): Response {
  cancelled = 0
  const cancel = () => {
    cancelled += 1
  }
  return piecesResponse(request, { next, cancel }, { 'x-own': 'é'.normalize('NFC') })
}

const listed = (request: Request | null, pieces: readonly string[]) => {
  const left = [...pieces]
  return bodyOf(request, async () => left.shift() ?? null)
}

/** A request of a server that takes pieces. */
function taken(): Request {
  const request = new Request('http://localhost')
  takePieces(request)
  return request
}

it('S2.2 a body in pieces is what it is as a web stream, with the headers that were added since, also where it was copied or read', async () => {
  const pieces = ['one', ' zwölf', ' 👋', 'x'.repeat(300_000)]
  const text = pieces.join('')
  for (const request of [null, new Request('http://localhost'), taken()]) {
    expect(await listed(request, pieces).text()).toBe(text)
    const buffer = await listed(request, pieces).arrayBuffer()
    expect(new TextDecoder().decode(buffer)).toBe(text)
    expect(await (await listed(request, pieces).blob()).text()).toBe(text)
    expect(await listed(request, ['[1', ']']).json()).toEqual([1])
    const form = listed(request, ['a=1&b=', '2'])
    form.headers.set('content-type', 'application/x-www-form-urlencoded')
    expect([...(await form.formData())]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ])
    const read = listed(request, pieces)
    expect([read.bodyUsed, read.body instanceof ReadableStream]).toEqual([false, true])
    read.headers.set('x-late', '1')
    const copy = read.clone()
    expect([await read.text(), read.bodyUsed, await copy.text()]).toEqual([text, true, text])
    const again = listed(request, pieces)
    void again.clone()
    const sent = webResponse(again)
    // A subclass is what it is made of as nobody sees it from outside.
    expect([Object.getPrototypeOf(sent), await sent.text()]).toEqual([Response.prototype, text])
    expect([copy.headers.get('x-late'), copy.headers.get('x-own')]).toEqual(['1', 'é'])
  }
  const ways: readonly ((response: Response) => Response | Promise<Response>)[] = [
    (response) => response,
    (response) => {
      void response.clone().text()
      return response
    },
    (response) => new Response(response.body, response),
    async (response) => new Response(await response.text(), response),
  ]
  for (const [way, isTaken] of ways.flatMap((way) => [[way, true] as const, [way, false] as const])) {
    answer = async (request) => {
      const response = await way(listed(isTaken ? request : null, pieces))
      response.headers.append('set-cookie', 'a=1')
      response.headers.append('set-cookie', 'b=2')
      return response
    }
    const sent = await fetch(`http://127.0.0.1:${port}`)
    expect(await sent.text()).toBe(text)
    expect([sent.headers.get('x-own'), sent.headers.getSetCookie()]).toEqual(['é', ['a=1', 'b=2']])
  }
  for (const request of [null, taken()]) {
    const reading = listed(request, pieces)
    expect(piecesOf(reading)).not.toBeNull()
    reading.body?.getReader()
    expect(piecesOf(reading)).toBeNull()
  }
})

it('S2.2 a head does not wait for a piece that is long in coming, and who leaves is known', async () => {
  answer = (request) => bodyOf(request, () => never)
  const response = await asked()
  expect([response.statusCode, cancelled]).toEqual([200, 0])
  response.destroy()
  await expect.poll(() => cancelled).toBe(1)
})

it('S2.2 whoever leaves is known to answers that wait for others on their connection, too', async () => {
  const left: string[] = []
  const begun: string[] = []
  answer = (request) => {
    begun.push(request.url)
    return piecesResponse(request, { next: () => never, cancel: () => void left.push(request.url) }, {})
  }
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`).join(''))
  await expect.poll(() => begun).toHaveLength(3)
  socket.destroy()
  await expect.poll(() => left.length).toBeGreaterThanOrEqual(3)
  expect(new Set(left)).toEqual(new Set(begun))
})

it('S2.2 a body is made no faster than it is read, and one that fails has no end', async () => {
  let made = 0
  answer = (request) =>
    bodyOf(request, async () => {
      made += 1
      return 'x'.repeat(100_000)
    })
  const slow = await asked()
  slow.pause()
  let before = -1
  await expect
    .poll(() => {
      const isStill = made > 10 && made === before
      before = made
      return isStill
    })
    .toBe(true)
  expect(made).toBeLessThan(1_000)
  slow.destroy()
  await expect.poll(() => cancelled).toBe(1)

  let fail = (_error: Error) => {}
  const failing = new Promise<string>((_, reject) => {
    fail = reject
  })
  const two = [Promise.resolve('first'), failing]
  answer = (request) => bodyOf(request, () => two.shift() ?? never)
  const broken = await asked()
  fail(new Error('It broke.'))
  const read = async () => {
    for await (const _ of broken);
  }
  await expect(read()).rejects.toThrow('aborted')
})

async function asked(): Promise<IncomingMessage> {
  const asking = request({ port, host: '127.0.0.1' }).end()
  asking.on('error', () => {})
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  return response
}
