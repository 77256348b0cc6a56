import type { z } from '@hono/zod-openapi'
import type { Account, CreditBalance, CreditTransaction, UsageLimits } from '../../index.js'
import { formatSparks } from '../../index.js'
import type { billingAccount } from '../contract/account.js'
import { times } from './amount.js'
import { meterLimit, noLimit } from './limit.js'
import type { Wire } from './wire.js'

/** What an account is shown by. */
export interface AccountFacts {
  readonly account: Account
  readonly balance: CreditBalance
  readonly limits: UsageLimits
  readonly spark: string
  readonly defaultPlan: string | undefined
  readonly stripeCustomerId: string | null
  readonly hasPaymentMethod: boolean
  readonly hasAutoTopUp: boolean
  readonly isTaxExempt: boolean
  /** Since it was made. */
  readonly workflows: number
  readonly spent: number
  readonly newest: CreditTransaction | undefined
}

export function accountJson(facts: AccountFacts, { meters }: Wire): z.output<typeof billingAccount> {
  const { account, balance, limits, newest, hasPaymentMethod } = facts
  const isPending = !hasPaymentMethod && account.plan === facts.defaultPlan
  const workflows = meterLimit(limits, meters.workflows)
  return {
    id: account.id,
    organization_id: account.id,
    stripe_customer_id: facts.stripeCustomerId,
    has_payment_method: hasPaymentMethod,
    status: account.suspendedFor !== null ? 'suspended' : isPending ? 'pending' : 'active',
    free_workflows_remaining: freeOf(workflows),
    free_workflows_reset_at: workflows ? workflows.resetsAt.toISOString() : null,
    credit_balance: times(formatSparks(balance.balance), facts.spark),
    auto_billing_enabled: facts.hasAutoTopUp,
    billing_email: account.email,
    tax_exempt: facts.isTaxExempt,
    total_workflows_completed: facts.workflows,
    total_amount_spent: facts.spent,
    created_at: account.createdAt.toISOString(),
    updated_at: (newest?.recordedAt ?? account.createdAt).toISOString(),
  }
}

/** What is left of what the plan includes. */
function freeOf(meter: UsageLimits['meters'][number] | undefined): number {
  if (!meter) return 0
  if (meter.included === 'unlimited') return noLimit
  return Math.max(0, Number(meter.included) - Number(meter.used))
}
