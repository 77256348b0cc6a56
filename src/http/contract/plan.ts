import { z } from '@hono/zod-openapi'
import { money } from './fields.js'

/** A plan, for whoever chooses one; quantities are decimal text. */
export const plan = z
  .object({
    id: z.string(),
    name: z.string(),
    price: z
      .object({
        amount: money,
        currency: z.string(),
        interval: z.enum(['month', 'year', 'once']),
        per_seat: z.boolean(),
        trial_days: z.int(),
      })
      .nullable()
      .openapi({ description: 'Null for a plan that nobody pays for.' }),
    meters: z.array(
      z.object({
        meter: z.string(),
        included: z.string().openapi({ description: 'Units, or `unlimited`.' }),
        limit: z.string().nullable().openapi({ description: 'Null for none.' }),
      }),
    ),
    overage: z.boolean().openapi({ description: 'Whether what goes beyond is billed afterwards.' }),
    is_byo: z.boolean(),
    credits_per_period: z.string(),
    features: z.record(z.string(), z.union([z.boolean(), z.string()])),
    is_default: z.boolean(),
  })
  .openapi('Plan')

/** What the catalog sells, beside packages of credits. */
export const priceList = z
  .object({
    currency: z.string(),
    credit_price: z.string().openapi({ description: 'What one Spark costs.' }),
    meters: z.array(z.object({ meter: z.string(), unit: z.string(), aggregation: z.string() })),
    plans: z.array(plan),
  })
  .openapi('PriceList')
