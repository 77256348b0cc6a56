import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BillingHandler } from 'billfold/http'
import { toExpress } from 'billfold/http/express'
import { toFastify } from 'billfold/http/fastify'
import { toNext } from 'billfold/http/next'
import { toNodeListener } from 'billfold/http/node'
import express from 'express'
import fastify from 'fastify'

const closing: (() => Promise<unknown>)[] = []

/** Ends every server that was begun. */
export async function closeHosts(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close()
}

export type Ask = (path: string, init?: RequestInit) => Promise<Response>

export async function listening(listener: RequestListener): Promise<Ask> {
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  return askAt((server.address() as AddressInfo).port)
}

function askAt(port: number): Ask {
  return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual', ...init })
}

/** A handler in each framework that has a converter, and how it is asked there. */
export const hosts: Readonly<Record<string, (handler: BillingHandler) => Promise<Ask>>> = {
  node: (handler) => listening(toNodeListener(handler)),
  async express(handler) {
    const app = express()
    app.use(toExpress(handler))
    app.use(express.json())
    app.post('/own', (request, response) => {
      response.json(request.body)
    })
    return listening(app)
  },
  async 'express under a path'(handler) {
    const app = express()
    app.use('/api', toExpress(handler))
    return listening(app)
  },
  async fastify(handler) {
    const app = fastify()
    await app.register(toFastify(handler))
    app.post('/own', async (request) => request.body)
    await app.listen({ port: 0, host: '127.0.0.1' })
    closing.push(() => app.close())
    return askAt((app.server.address() as AddressInfo).port)
  },
  async next(handler) {
    const routes = toNext(handler)
    return (path, init) => {
      const request = new Request(`https://app.example${path}`, init)
      return routes[request.method as keyof typeof routes](request)
    }
  },
}
