import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What came in, as it came. */
export interface Letter {
  readonly signature: string
  readonly algorithm: string
  readonly key: string
  readonly body: string
}

/** Somebody who takes Lago's webhooks; `answer` says with which status. */
export async function receiver(answer: (count: number) => number = () => 200) {
  const letters: Letter[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const header = (name: string) => String(request.headers[name] ?? '')
      letters.push({
        signature: header('x-lago-signature'),
        algorithm: header('x-lago-signature-algorithm'),
        key: header('x-lago-unique-key'),
        body: Buffer.concat(parts).toString(),
      })
      response.writeHead(answer(letters.length)).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    letters,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
