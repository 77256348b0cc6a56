import type { z } from '@hono/zod-openapi'
import type { CostSummary, ExplainedPool, Explanation, UsageRecord } from '../../index.js'
import type { costRecord, costSummary } from '../contract/cost.js'
import { less, sum } from './amount.js'
import type { Wire } from './wire.js'

/** What usage cost before margin, as S4 has it. */
export function costJson(
  record: UsageRecord,
  pools: readonly ExplainedPool[],
  accountId: string,
  { dimensions }: Wire,
): z.output<typeof costRecord> {
  const cost = record.costUsd ?? '0'
  const total = record.tokens === null ? 0 : Number(record.measured)
  const prompt = Object.entries(record.tokens ?? {}).reduce(
    (tokens, [pool, count]) => (isPrompt(pool) ? tokens + count : tokens),
    0,
  )
  const paid = pools.filter(({ pool }) => isPrompt(pool)).map((pool) => pool.cost)
  const isSplit = pools.length > 0 && sum(pools.map((pool) => pool.cost)) === Number(cost)
  // A cost that was reported as one figure is shared by the tokens.
  const promptCost = isSplit ? sum(paid) : total === 0 ? Number(cost) : (Number(cost) * prompt) / total
  const completionCost = isSplit
    ? sum(pools.filter(({ pool }) => !isPrompt(pool)).map((pool) => pool.cost))
    : less(cost, String(promptCost))
  return {
    id: record.id,
    task_id: record.dimensions[dimensions.task] ?? '',
    agent_id: record.dimensions[dimensions.agent] ?? null,
    sandbox_id: record.dimensions[dimensions.sandbox] ?? null,
    billing_account_id: accountId,
    provider: record.provider ?? '',
    model: record.model ?? '',
    prompt_tokens: prompt,
    completion_tokens: total - prompt,
    total_tokens: total,
    prompt_cost: promptCost,
    completion_cost: completionCost,
    total_cost: Number(cost),
    recorded_at: record.recordedAt.toISOString(),
  }
}

/** What each pool of tokens cost; after amendments, as the last one has it. Nothing where no prices were asked for. */
export function poolsOf(explanation: Explanation): readonly ExplainedPool[] {
  if (explanation.kind !== 'usage') return []
  const priced = [explanation, ...explanation.corrections].filter(({ cost }) => cost !== null && cost.pools.length > 0)
  return priced.at(-1)?.cost?.pools ?? []
}

/** What went into the model: input, and what was read from and written to its cache. */
function isPrompt(pool: string): boolean {
  return /^(input|cache)(_|$)/.test(pool)
}

export function costSummaryJson(summary: CostSummary, accountId: string): z.output<typeof costSummary> {
  return {
    scope_type: 'billing_account',
    scope_id: accountId,
    total_cost: Number(summary.costUsd),
    total_tokens: Number(summary.tokens),
    record_count: summary.events,
    breakdown: summary.breakdown.map(({ provider, model, costUsd, tokens, events }) => ({
      provider,
      model,
      cost: Number(costUsd),
      tokens: Number(tokens),
      records: events,
    })),
    currency: summary.currency,
    from: summary.from,
    to: summary.to,
    by_provider: summary.byProvider.map(({ name, costUsd }) => ({ provider: name, cost: Number(costUsd) })),
    by_day: summary.byDay.map(({ name, costUsd }) => ({ date: name, cost: Number(costUsd) })),
  }
}
