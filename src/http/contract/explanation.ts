import { z } from '@hono/zod-openapi'
import { time, timeOrNull } from './fields.js'

export const explanationPath = z.strictObject({
  id: z
    .string()
    .max(1_000)
    .openapi({ param: { name: 'id', in: 'path' }, example: 'use_01a1fdfa460070818202020202020202' }),
})

/** Decimal text, or a quotient such as "100/3" where no decimal is exact. */
const exact = z.string().openapi({ example: '139.05' })

/** What one pool of a request cost: count × price ÷ per. */
const pool = z.object({ pool: z.string(), count: z.number(), price: z.string(), per: z.string(), cost: z.string() })

/** How units or a cost became Sparks. */
const rating = z.object({
  mode: z.string(),
  from: z.enum(['catalog', 'terms']),
  by_units: z
    .object({ units: z.string(), rate: z.string().nullable(), per: z.string().nullable(), sparks: exact })
    .nullable(),
  by_cost: z.object({ cost: z.string(), margin: z.string(), spark_price: z.string(), sparks: exact }).nullable(),
  discount: z.object({ above: z.string(), percent: z.string(), applied: z.boolean() }).nullable(),
  minimum: z.object({ sparks: z.string(), applied: z.boolean() }).nullable(),
  period: z
    .object({
      starts_at: time,
      ends_at: time,
      units_before: z.string(),
      units_after: z.string(),
      price_before: z.string(),
      price_after: z.string(),
    })
    .nullable(),
  unrounded: exact,
  rounding: z.string(),
  sparks: z.string(),
})

/** What a row took from one grant; negative for what it put there. */
const burn = z.object({
  grant_id: z.string(),
  kind: z.enum(['promotional', 'paid']).nullable(),
  reason: z.string().nullable(),
  sparks: z.string(),
})

/** How a provider was told. */
const delivery = z.object({ provider: z.string(), as: z.string(), status: z.string() })

/** What was paid, for credits or back. */
const payment = z.object({ amount: z.string(), currency: z.string(), paid_at: timeOrNull }).nullable()

const row = {
  id: z.string(),
  transaction_type: z.string(),
  description: z.string(),
  amount: z.string(),
  balance_before: z.string(),
  balance_after: z.string(),
  burns: z.array(burn),
  recorded_at: time,
  agrees: z.boolean().openapi({ description: 'Whether what is stored is what its own parts come to.' }),
}

const usageStep = z.object({
  kind: z.literal('usage'),
  ...row,
  corrects: z.string().nullable(),
  meter: z.string().nullable(),
  unit: z.string().nullable(),
  model: z.string().nullable(),
  provider: z.string().nullable(),
  occurred_at: time,
  reported_quantity: z.string(),
  quantity: z.string(),
  included: z.string(),
  cost: z.object({ amount: z.string(), currency: z.string(), pools: z.array(pool) }).nullable(),
  rating: rating.nullable(),
  sparks: z.string(),
  settled_by: z.record(z.string(), z.string()),
  deliveries: z.array(delivery),
})

export const usageExplanation = usageStep.extend({ corrections: z.array(usageStep) }).openapi('UsageExplanation')

export const transactionExplanation = z
  .object({
    kind: z.literal('entry'),
    ...row,
    counter_account: z.string(),
    corrects: z.string().nullable(),
    corrected_by: z.array(z.string()),
    payment,
  })
  .openapi('TransactionExplanation')

export const grantExplanation = z
  .object({
    kind: z.literal('grant'),
    id: z.string(),
    grant_kind: z.enum(['promotional', 'paid']),
    cause: z.enum(['checkout', 'plan', 'rollover', 'hand', 'adjustment', 'given_back']),
    description: z.string(),
    amount: z.string(),
    remaining: z.string(),
    granted_at: time,
    expires_at: timeOrNull,
    payment,
    burned: z.object({ transactions: z.int(), sparks: z.string() }),
    burned_by: z
      .array(z.object({ id: z.string(), transaction_type: z.string(), sparks: z.string(), recorded_at: time }))
      .openapi({ description: 'What took from it, newest first, at most 100.' }),
    agrees: z.boolean(),
  })
  .openapi('GrantExplanation')

/** How something came about: usage, credits that were given, or another change of the balance. */
export const explanation = z.discriminatedUnion('kind', [usageExplanation, transactionExplanation, grantExplanation])
