import { z } from '@hono/zod-openapi'
import { budget } from './credit.js'
import { time, timeOrNull } from './fields.js'

export const apiKeyPath = z.strictObject({
  key_id: z
    .string()
    .openapi({ param: { name: 'key_id', in: 'path' }, example: 'key_0193b7e2f0c47a1c9d2e5f60718293a4' }),
})

/** Never what opens it. */
const fields = {
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  status: z.enum(['active', 'expired', 'revoked']),
  hint: z.string().openapi({ example: 'sk-…9f3a' }),
  open_secrets: z.int(),
  budget: budget.nullable(),
  top_ups_raise_budget: z.boolean(),
  created_at: time,
  expires_at: timeOrNull,
  revoked_at: timeOrNull,
  last_used_at: timeOrNull,
}
export const apiKey = z.object(fields).openapi('ApiKey')

export const apiKeyPage = z
  .object({ results: z.array(apiKey), next: z.string().nullable(), previous: z.null() })
  .openapi('ApiKeyPage')

/** `secret` is shown this once, and null for a repeat. */
export const issuedApiKey = z
  .object({ ...fields, result: z.enum(['issued', 'duplicate']), secret: z.string().nullable() })
  .openapi('IssuedApiKey')

const interval = z.enum(['day', 'week', 'month', 'year', 'never']).optional()
const topUpsRaiseBudget = z.boolean().optional()
const limit = z.string().max(60).openapi({ description: 'Sparks as decimal text.', example: '12500' })

export const issueApiKeyRequest = z
  .strictObject({
    name: z.string().min(1).max(200),
    scopes: z.array(z.string().max(64)).max(50).optional(),
    expires_at: z.string().max(40).optional(),
    budget: z.strictObject({ limit, interval, top_ups_raise_budget: topUpsRaiseBudget }).optional(),
  })
  .openapi('IssueApiKeyRequest')

export const rotateApiKeyRequest = z
  .strictObject({ overlap_seconds: z.int().min(0).max(2_592_000).optional() })
  .openapi('RotateApiKeyRequest')

export const apiKeyBudgetRequest = z
  .strictObject({
    limit: limit.nullable().openapi({ description: 'Null takes the budget away.' }),
    interval,
    top_ups_raise_budget: topUpsRaiseBudget,
  })
  .openapi('ApiKeyBudgetRequest')
