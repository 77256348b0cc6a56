import { z } from '@hono/zod-openapi'
import { money, pageQuery, time, timeOrNull } from './fields.js'

/** Of S4; the last three fields are ours. */
export const usageRecord = z
  .object({
    id: z.string(),
    billing_account_id: z.string(),
    ticket_id: z.string().nullable(),
    usage_type: z.string(),
    quantity: z.number(),
    unit_price: money,
    total_price: money,
    free_tier_used: z.boolean(),
    invoice_id: z.string().nullable(),
    billed: z.boolean(),
    usage_details: z.record(z.string(), z.unknown()).nullable(),
    recorded_at: time,
    billed_at: timeOrNull,
    occurred_at: time,
    sparks: z.string(),
    settled_by: z.record(z.string(), z.string()),
  })
  .openapi('UsageRecord')

export const usagePage = z
  .object({ results: z.array(usageRecord), next: z.string().nullable(), previous: z.null() })
  .openapi('UsagePage')

const flag = z.enum(['true', 'false']).transform((value) => value === 'true')
const moment = z.string().max(40).optional()
/** Which usage: recorded from then on, before then, on a meter, with a model. */
export const recordedQuery = { from: moment, to: moment }

export const usageQuery = z.strictObject({
  ...pageQuery,
  ...recordedQuery,
  billed: flag.optional().openapi({ type: 'boolean' }),
  meter: z.string().max(200).optional(),
  model: z.string().max(200).optional(),
  settled_by: z.string().max(200).optional().openapi({
    description: 'Only what this paid a part of, as `settled_by` of a record names it.',
    example: 'credits',
  }),
})

/** Whole UTC days, the second not included. */
export const daysQuery = z.strictObject({
  from: z.string().max(10).optional().openapi({ example: '2026-11-01' }),
  to: z.string().max(10).optional().openapi({ example: '2026-12-01' }),
})

/** A quota; quantities are decimal text, null for no limit. */
export const quota = z
  .object({
    meter: z.string(),
    status: z.string(),
    used: z.string(),
    held: z.string(),
    limit: z.string().nullable(),
    remaining: z.string().nullable(),
    period_start: time,
    resets_at: time,
  })
  .openapi('Quota')

/** Of S0: sums and a series of each meter, what is left of its quota, and what the next invoice would be. */
export const usageDashboard = z
  .object({
    from: z.string(),
    to: z.string(),
    currency: z.string(),
    events: z.int(),
    sparks: z.string(),
    charged: z.string(),
    cost: z.string(),
    meters: z.array(
      z.object({
        meter: z.string(),
        unit: z.string(),
        quantity: z.string(),
        events: z.int(),
        sparks: z.string(),
        series: z.array(z.object({ date: z.string(), quantity: z.string(), events: z.int(), sparks: z.string() })),
        quota: quota.nullable(),
      }),
    ),
    upcoming_invoice: z
      .object({
        total: money,
        amount_due: money,
        currency: z.string(),
        period_start: timeOrNull,
        period_end: timeOrNull,
      })
      .nullable(),
    provider_usage: z
      .object({
        provider: z.string(),
        period_start: time,
        period_end: time,
        currency: z.string(),
        amount: money,
        meters: z.array(z.object({ meter: z.string(), sparks: z.string(), amount: money })),
      })
      .nullable()
      .openapi({
        description: 'What the metering provider charges for usage in its current period; null where it says nothing.',
      }),
    is_complete: z.boolean().openapi({ description: 'False when a provider could not be asked.' }),
  })
  .openapi('UsageDashboard')
