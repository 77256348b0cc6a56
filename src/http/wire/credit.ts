import type { z } from '@hono/zod-openapi'
import {
  type BudgetView,
  type CreditBalance,
  type CreditTransaction,
  formatSparks,
  type PackageView,
  type UsageLimits,
  type UsageSum,
  type UsageSummary,
} from '../../index.js'
import type {
  budget,
  creditBalance,
  creditPackage,
  creditTransaction,
  creditUsageSummary,
  usageLimits,
} from '../contract/credit.js'
import { quotaJson } from './usage.js'
import { isoOrNull } from './wire.js'

export function packageJson({ name, title, price, currency, sparks }: PackageView): z.output<typeof creditPackage> {
  return { id: name, name: title, price: Number(price), currency, credits: formatSparks(sparks) }
}

type BalanceFigures = Pick<
  CreditBalance,
  'balance' | 'available' | 'held' | 'debt' | 'planCredits' | 'usedThisMonth' | 'grants'
>
/** Of an account that is not there. */
export const noBalance: BalanceFigures = {
  balance: 0n,
  available: 0n,
  held: 0n,
  debt: 0n,
  planCredits: 0n,
  usedThisMonth: 0n,
  grants: [],
}

export function balanceJson(balance: BalanceFigures): z.output<typeof creditBalance> {
  return {
    credits: formatSparks(balance.balance),
    available_credits: formatSparks(balance.available),
    held_credits: formatSparks(balance.held),
    debt: formatSparks(balance.debt),
    plan_credits_per_month: formatSparks(balance.planCredits),
    credits_used_this_month: formatSparks(balance.usedThisMonth),
    grants: balance.grants.map(({ id, kind, amount, remaining, reason, grantedAt, expiresAt }) => ({
      id,
      kind,
      amount: formatSparks(amount),
      remaining: formatSparks(remaining),
      reason,
      granted_at: grantedAt.toISOString(),
      expires_at: isoOrNull(expiresAt),
    })),
  }
}

export function transactionJson(transaction: CreditTransaction): z.output<typeof creditTransaction> {
  const { id, operation, amount, balanceAfter, counterAccount, meter, reason, corrects, recordedAt } = transaction
  return {
    id,
    transaction_type: operation,
    amount: formatSparks(amount),
    balance_after: formatSparks(balanceAfter),
    counter_account: counterAccount,
    meter,
    description: reason,
    corrects,
    created_at: recordedAt.toISOString(),
  }
}

type SummaryFigures = Pick<
  UsageSummary,
  'from' | 'to' | 'events' | 'sparks' | 'charged' | 'costUsd' | 'byMeter' | 'byModel'
>

/** Of an account that is not there. */
export function noSummary(from = '', to = ''): SummaryFigures {
  return { from, to, events: 0, sparks: 0n, charged: 0n, costUsd: '0', byMeter: [], byModel: [] }
}

export function creditSummaryJson(summary: SummaryFigures): z.output<typeof creditUsageSummary> {
  return {
    from: summary.from,
    to: summary.to,
    total_credits_used: formatSparks(summary.sparks),
    total_charged: formatSparks(summary.charged),
    total_cost: Number(summary.costUsd),
    total_events: summary.events,
    by_operation: sumsJson(summary.byMeter),
    by_model: sumsJson(summary.byModel.filter(({ name }) => name !== '')),
  }
}

function sumsJson(sums: readonly UsageSum[]): z.output<typeof creditUsageSummary>['by_model'] {
  return Object.fromEntries(
    sums.map(({ name, sparks, charged, costUsd, events }) => [
      name,
      { credits: formatSparks(sparks), charged: formatSparks(charged), cost: Number(costUsd), count: events },
    ]),
  )
}

export function limitsJson({ plan, meters, budgets }: UsageLimits): z.output<typeof usageLimits> {
  return {
    plan,
    limits: meters.map((meter) => ({ ...quotaJson(meter), unit: meter.unit, included: meter.included })),
    budgets: budgets.map((each) => ({ ...scopeJson(each.scope), ...budgetJson(each) })),
  }
}

export function budgetJson({ limit, interval, used, remaining }: BudgetView): z.output<typeof budget> {
  return { interval, limit: formatSparks(limit), used: formatSparks(used), remaining: formatSparks(remaining) }
}

function scopeJson(scope: BudgetView['scope']): { readonly scope: string; readonly key: string | null } {
  const {
    apiKeyId,
    userId,
    dimension,
    value,
  }: { apiKeyId?: string; userId?: string; dimension?: string; value?: string } = scope ?? {}
  if (apiKeyId !== undefined) return { scope: 'api_key', key: apiKeyId }
  if (userId !== undefined) return { scope: 'user', key: userId }
  return dimension === undefined ? { scope: 'account', key: null } : { scope: dimension, key: value ?? null }
}
