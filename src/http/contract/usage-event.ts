import { z } from '@hono/zod-openapi'
import { quota } from './usage.js'

/** One fact of consumption, in the words of `recordUsage`. */
const eventFields = {
  meter: z.string().max(200),
  quantity: z.union([z.string().max(60), z.number()]).optional(),
  tokens: z.record(z.string(), z.number()).optional(),
  model: z.string().max(200).optional(),
  provider: z.string().max(60).optional(),
  service_tier: z.enum(['standard', 'batch', 'priority']).optional(),
  cost_usd: z.string().max(60).optional(),
  idempotency_key: z.string().max(255).optional().openapi({ description: 'Or the header Idempotency-Key.' }),
  occurred_at: z.string().max(40).optional(),
  api_key_id: z.string().max(128).optional(),
  user_id: z.string().max(128).optional(),
  dimensions: z.record(z.string(), z.string()).optional(),
  hold_id: z.string().max(128).optional(),
  on_insufficient: z.enum(['record', 'refuse']).optional(),
}
export const usageEvent = z.strictObject(eventFields).openapi('UsageEvent')

/** One event, or a batch of at most 1,000. */
export const usageEventsRequest = z
  .strictObject({ ...z.strictObject(eventFields).partial().shape, events: z.array(usageEvent).min(1).optional() })
  .openapi('RecordUsageRequest')

export const recordedUsage = z
  .object({
    id: z.string(),
    status: z.string(),
    sparks: z.string(),
    cost_usd: z.string().nullable(),
    settled_by: z.record(z.string(), z.string()),
    balance: z.object({ balance: z.string(), held: z.string(), available: z.string(), debt: z.string() }),
    quota,
    deliveries: z.record(z.string(), z.string()),
  })
  .openapi('RecordedUsage')

export const recordedBatch = z
  .object({
    results: z.array(z.union([recordedUsage, z.object({ status: z.literal('refused'), error: z.unknown() })])),
  })
  .openapi('RecordedUsageBatch')
