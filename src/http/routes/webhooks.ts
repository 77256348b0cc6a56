import { z } from '@hono/zod-openapi'
import { BillingError } from '../../index.js'
import { type App, addPublicRoute, type Served } from '../app.js'
import { readBytes } from '../body.js'
import { RequestError, requestErrorStatus } from '../request-error.js'

const providerPath = z.strictObject({
  provider: z.string().openapi({ param: { name: 'provider', in: 'path' }, example: 'stripe' }),
})
const received = z.object({ received: z.boolean() }).openapi('WebhookReceived')
const json = { 'application/json': { schema: received } }

/** What providers tell us. Who they are is known by the signature over the bytes, and they are told nothing but whether it was taken. */
export function addWebhookRoutes(app: App, { billing, limits, onError }: Served): void {
  addPublicRoute(
    app,
    {
      method: 'post',
      path: '/webhooks/{provider}',
      summary: 'Takes a webhook of a provider',
      request: { params: providerPath },
      responses: {
        200: { description: 'It was taken.', content: json },
        400: { description: 'It was not, and need not be sent again as it is.', content: json },
        503: { description: 'It was not: send it again.', content: json },
      },
    },
    async (context) => {
      try {
        const rawBody = await readBytes(context.req.raw, limits.bytes)
        if (!billing.webhooks) throw new RequestError('not_found', 'No provider sends webhooks here.')
        await billing.webhooks.handle(context.req.valid('param').provider, {
          rawBody,
          headers: context.req.raw.headers,
        })
        return context.json({ received: true }, 200)
      } catch (error) {
        const status = statusOf(error)
        if (status >= 500) onError(error, context.var.requestId)
        return context.json({ received: false }, status as 400)
      }
    },
  )
}

function statusOf(error: unknown): number {
  if (error instanceof RequestError) return requestErrorStatus[error.code]
  return BillingError.is(error) ? error.httpStatus : 500
}
