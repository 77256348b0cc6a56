import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What an endpoint was sent. */
export interface Received {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: what came is what the test looks at
  readonly body: any
}

type Answer = (received: Received, response: ServerResponse) => void | Promise<void>

/** An endpoint that keeps what it is sent, and answers as it is told; 204 by default. */
export async function openReceiver() {
  const received: Received[] = []
  let answer: Answer = (_, response) => {
    response.writeHead(204).end()
  }
  const server = createServer((request, response) => {
    void take(request).then((each) => {
      received.push(each)
      return answer(each, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    url: `http://${host}/hooks`,
    received,
    answer(next: Answer | number) {
      answer = typeof next === 'number' ? (_, response) => void response.writeHead(next).end() : next
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function take(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
  return { path: request.url ?? '', headers, text, body: JSON.parse(text) }
}
