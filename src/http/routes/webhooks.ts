import { z } from '@hono/zod-openapi'
import { type App, addPublicRoute, type Served } from '../app.js'
import { readBytes } from '../body.js'
import { bodyProblems, wrong } from '../contract/fields.js'
import { problemResponse } from '../problem.js'
import { RequestError } from '../request-error.js'

const providerPath = z.strictObject({
  provider: z.string().openapi({ param: { name: 'provider', in: 'path' }, example: 'stripe' }),
})
const received = z.object({ received: z.boolean() }).openapi('WebhookReceived')
const json = { 'application/json': { schema: received } }

/**
 * What providers tell us. Who they are is known by the signature over the bytes; whoever sends what is not taken is told the code, and
 * nothing else of what is here.
 */
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
        400: wrong('It was not, and need not be sent again as it is.'),
        404: wrong('No such provider sends webhooks here.'),
        431: wrong('Its header of signatures is too large.'),
        ...bodyProblems,
        503: wrong('It was not: send it again.'),
      },
    },
    async (context) => {
      try {
        const rawBody = await readBytes(context.req.raw, limits)
        if (!billing.webhooks) throw new RequestError('not_found', 'No provider sends webhooks here.')
        await billing.webhooks.handle(context.req.valid('param').provider, {
          rawBody,
          headers: context.req.raw.headers,
        })
        return context.json({ received: true }, 200)
      } catch (error) {
        const { requestId } = context.var
        const response = problemResponse(error, requestId, 'The webhook was not taken.')
        if (response.status >= 500) onError(error, requestId)
        return response as never
      }
    },
  )
}
