import { z } from '@hono/zod-openapi'
import { money, time, timeOrNull } from './fields.js'
import { quota } from './usage.js'

/** Sparks as exact decimal text. */
const sparks = z.string().openapi({ example: '1250.5' })

export const creditPackage = z
  .object({ id: z.string(), name: z.string(), price: money, currency: z.string(), credits: sparks })
  .openapi('CreditPackage')

/** Credits that are not spent, in the order they are. */
const creditGrant = z
  .object({
    id: z.string(),
    kind: z.enum(['promotional', 'paid']),
    amount: sparks,
    remaining: sparks,
    reason: z.string(),
    granted_at: time,
    expires_at: timeOrNull,
  })
  .openapi('CreditGrant')

export const creditBalance = z
  .object({
    credits: sparks,
    available_credits: sparks,
    held_credits: sparks,
    debt: sparks,
    plan_credits_per_month: sparks,
    credits_used_this_month: sparks,
    grants: z.array(creditGrant),
  })
  .openapi('CreditBalance')

export const creditTransaction = z
  .object({
    id: z.string(),
    transaction_type: z.string(),
    amount: sparks,
    balance_after: sparks,
    counter_account: z.string(),
    meter: z.string().nullable(),
    description: z.string(),
    corrects: z.string().nullable(),
    created_at: time,
  })
  .openapi('CreditTransaction')

export const creditTransactionPage = z
  .object({ results: z.array(creditTransaction), next: z.string().nullable(), previous: z.null() })
  .openapi('CreditTransactionPage')

const usageSum = z.object({ credits: sparks, charged: sparks, cost: money, count: z.int() })

export const creditUsageSummary = z
  .object({
    from: z.string(),
    to: z.string(),
    total_credits_used: sparks,
    total_charged: sparks,
    total_cost: money,
    total_events: z.int(),
    by_operation: z.record(z.string(), usageSum),
    by_model: z.record(z.string(), usageSum),
  })
  .openapi('CreditUsageSummary')

export const budget = z.object({
  interval: z.string(),
  limit: sparks,
  used: sparks,
  remaining: sparks,
})

export const usageLimits = z
  .object({
    plan: z.string().nullable(),
    limits: z.array(z.object({ ...quota.shape, unit: z.string(), included: z.string() })),
    budgets: z.array(z.object({ scope: z.string(), key: z.string().nullable(), ...budget.shape })),
  })
  .openapi('UsageLimits')
