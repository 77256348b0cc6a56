import type { GatewayCaller } from './caller.js'
import { type Currency, moneyOf } from './currency.js'
import { outOfFunds } from './funds.js'
import type { MeteredBilling } from './model-call.js'

/** `free`: spends what it was given; `active`: it has paid; `suspended`: it starts no calls. */
export type AccountStatus = 'free' | 'active' | 'suspended'

/** What a caller has. */
export interface BalanceAnswer {
  readonly object: 'balance'
  readonly account_id: string
  readonly status: AccountStatus
  readonly currency: string
  /** Decimal text; below zero is owed. */
  readonly balance: string
  readonly available: string
  readonly held: string
  readonly top_up_url: string | null
}

/** How a caller's account stands. */
export async function balanceAnswer(
  billing: MeteredBilling,
  { accountId }: GatewayCaller,
  currency: Currency,
  topUpUrl: string | null,
): Promise<BalanceAnswer> {
  const [account, credits, hasPaid] = await Promise.all([
    billing.accounts.get({ accountId }),
    billing.credits.balance({ accountId }),
    hasPaidCredits(billing, accountId),
  ])
  const isSuspended = account.suspendedFor !== null || credits.balance <= 0n
  return {
    object: 'balance',
    account_id: accountId,
    status: isSuspended ? 'suspended' : hasPaid ? 'active' : 'free',
    currency: currency.code,
    balance: moneyOf(credits.balance, currency),
    available: moneyOf(credits.available, currency),
    held: moneyOf(credits.held, currency),
    top_up_url: topUpUrl,
  }
}

async function hasPaidCredits({ credits }: MeteredBilling, accountId: string): Promise<boolean> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await credits.transactions({ accountId, operation: 'grant', ...(cursor && { cursor }) })
    if (page.items.some(({ counterAccount }) => counterAccount === 'grants:paid')) return true
    cursor = page.nextCursor
  }
  return false
}

/** Lets an account go on that was suspended for want of money, once it has some. */
export async function resumeWithFunds(
  { accounts, credits }: MeteredBilling,
  accountId: string,
  idempotencyKey: string,
): Promise<void> {
  const { suspendedFor } = await accounts.get({ accountId })
  if (suspendedFor !== outOfFunds || (await credits.balance({ accountId })).balance <= 0n) return
  await accounts.resume({ accountId, reason: outOfFunds, automatic: true, idempotencyKey })
}
