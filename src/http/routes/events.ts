import { z } from '@hono/zod-openapi'
import { type App, addRoute, type Served } from '../app.js'
import { problems } from '../contract/fields.js'
import { eventStream } from '../event-stream.js'
import { RequestError } from '../request-error.js'

/** What changes of the caller's account, as it changes. */
export function addEventRoutes(app: App, served: Served): void {
  const { billing, eventStreams, onError } = served
  const { maximumPerAccount = 10 } = eventStreams
  /** How many are open, by account. */
  const open = new Map<string, number>()

  addRoute(
    app,
    served,
    { scope: 'billing:read', account: 'own' },
    {
      method: 'get',
      path: '/events',
      summary:
        'Server-sent events: the balance, quotas, invoices, payments and the subscription of the caller’s account, as they change',
      request: {
        headers: z.object({
          'last-event-id': z.string().max(2_000).optional().openapi({ description: 'Goes on after this event.' }),
        }),
      },
      responses: {
        200: { description: 'The changes.', content: { 'text/event-stream': { schema: z.string() } } },
        ...problems,
      },
    },
    async (context) => {
      const { accountId, requestId } = context.var
      const count = open.get(accountId) ?? 0
      if (count >= maximumPerAccount)
        throw new RequestError('rate_limited', `There are ${count} streams of this account already.`, {
          'retry-after': '60',
        })
      open.set(accountId, count + 1)
      const onEnd = () => {
        const left = (open.get(accountId) ?? 1) - 1
        if (left === 0) open.delete(accountId)
        else open.set(accountId, left)
      }
      const over = new AbortController()
      try {
        const after = context.req.valid('header')['last-event-id']
        const asked = { accountId, signal: over.signal, ...(after === undefined || after === '' ? {} : { after }) }
        const rest = billing.changes(asked)[Symbol.asyncIterator]()
        // What is wrong is answered as an error, and not as a stream that ends.
        const { done, value } = await rest.next()
        const body = eventStream({ first: done ? null : value, rest }, eventStreams, {
          abort: () => over.abort(),
          onEnd,
          onError: (error) => onError(error, requestId),
        })
        const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' }
        return new Response(body, { status: 200, headers }) as never
      } catch (error) {
        over.abort()
        onEnd()
        throw error
      }
    },
  )
}
