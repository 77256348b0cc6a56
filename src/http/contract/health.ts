import { z } from '@hono/zod-openapi'

export const health = z.object({ status: z.literal('ok') }).openapi('Health')
