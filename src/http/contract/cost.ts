import { z } from '@hono/zod-openapi'
import { money, pageQuery, time } from './fields.js'
import { recordedQuery } from './usage.js'

/** Of S4. */
export const costSummary = z
  .object({
    scope_type: z.string(),
    scope_id: z.string().nullable(),
    total_cost: money,
    total_tokens: z.number(),
    record_count: z.int(),
    breakdown: z.array(
      z.object({ provider: z.string(), model: z.string(), cost: money, tokens: z.number(), records: z.int() }),
    ),
    currency: z.string(),
    from: z.string(),
    to: z.string(),
    by_provider: z.array(z.object({ provider: z.string(), cost: money })),
    by_day: z.array(z.object({ date: z.string(), cost: money })),
  })
  .openapi('CostSummary')

/** Of S4. */
export const costRecord = z
  .object({
    id: z.string(),
    task_id: z.string(),
    agent_id: z.string().nullable(),
    sandbox_id: z.string().nullable(),
    billing_account_id: z.string().nullable(),
    provider: z.string(),
    model: z.string(),
    prompt_tokens: z.number(),
    completion_tokens: z.number(),
    total_tokens: z.number(),
    prompt_cost: money,
    completion_cost: money,
    total_cost: money,
    recorded_at: time,
  })
  .openapi('CostRecord')

export const costPage = z
  .object({ results: z.array(costRecord), next: z.string().nullable(), previous: z.null() })
  .openapi('CostPage')

export const costQuery = z.strictObject({ ...pageQuery, ...recordedQuery })

export const costExportQuery = z.strictObject(recordedQuery)
