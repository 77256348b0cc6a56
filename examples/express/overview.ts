import {
  type Account,
  BillingError,
  type CreditBalance,
  type CreditTransaction,
  type QuotaView,
  type UsageSummary,
} from 'billfold'
import type { ParrotBilling } from './billing.js'

/** Everything the billing page shows. */
export interface Overview {
  readonly account: Account
  readonly quota: QuotaView
  readonly credits: CreditBalance
  readonly usage: UsageSummary
  readonly transactions: readonly CreditTransaction[]
}

/** Reads an account's standing; `null` when there is no such account yet. */
export async function readOverview(billing: ParrotBilling, accountId: string): Promise<Overview | null> {
  try {
    const [account, quota] = await Promise.all([
      billing.accounts.get({ accountId }),
      billing.getQuota({ accountId, meter: 'ai_tokens' }),
    ])
    const [credits, usage, { items: transactions }] = await Promise.all([
      billing.credits.balance({ accountId }),
      billing.usage.summary({ accountId, from: quota.periodStartsAt.toISOString().slice(0, 10) }),
      billing.credits.transactions({ accountId, limit: 10 }),
    ])
    return { account, quota, credits, usage, transactions }
  } catch (error) {
    if (BillingError.is(error) && error.code === 'not_found') return null
    throw error
  }
}
