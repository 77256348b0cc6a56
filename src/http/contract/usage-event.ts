import { z } from '@hono/zod-openapi'
import { checkedByOperation } from './fields.js'
import { quota } from './usage.js'

const text = checkedByOperation<string>({ type: 'string' })

/** One fact of consumption, in the words of `recordUsage`, which looks at it. */
const eventFields = {
  meter: text,
  quantity: checkedByOperation<string | number>({
    oneOf: [{ type: 'string' }, { type: 'integer' }],
    description: 'Decimal text with at most 6 decimals, or a whole number.',
  }).optional(),
  tokens: checkedByOperation<Readonly<Record<string, number>>>({
    type: 'object',
    additionalProperties: { type: 'integer', minimum: 0 },
  }).optional(),
  model: text.optional(),
  provider: text.optional(),
  service_tier: z.enum(['standard', 'batch', 'priority']).optional(),
  cost_usd: text.optional(),
  idempotency_key: text.optional().openapi({ description: 'Or the header Idempotency-Key.' }),
  occurred_at: checkedByOperation<string>({ type: 'string', format: 'date-time' }).optional(),
  api_key_id: text.optional(),
  user_id: text.optional(),
  dimensions: checkedByOperation<Readonly<Record<string, string>>>({
    type: 'object',
    additionalProperties: { type: 'string' },
  }).optional(),
  hold_id: text.optional(),
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
