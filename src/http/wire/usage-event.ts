import type { z } from '@hono/zod-openapi'
import { type Balance, formatSparks, type RecordedUsage, type RecordUsageInput } from '../../index.js'
import type { recordedUsage, usageEvent } from '../contract/usage-event.js'
import type { Identity } from '../identity.js'
import { invalidField } from '../request-error.js'
import { quotaJson, settledJson } from './usage.js'

/** The words of `recordUsage` for those on the wire. */
const names: Readonly<Record<Exclude<keyof z.output<typeof usageEvent>, 'idempotency_key'>, keyof RecordUsageInput>> = {
  meter: 'meter',
  quantity: 'quantity',
  tokens: 'tokens',
  model: 'model',
  provider: 'provider',
  service_tier: 'serviceTier',
  cost_usd: 'costUsd',
  occurred_at: 'occurredAt',
  api_key_id: 'apiKeyId',
  user_id: 'userId',
  dimensions: 'dimensions',
  hold_id: 'holdId',
  on_insufficient: 'onInsufficient',
}

/** An event as `recordUsage` takes it, for one account and API key whatever it says. */
export function usageInput(
  event: Readonly<Record<string, unknown>>,
  { accountId, apiKeyId }: Pick<Identity, 'accountId' | 'apiKeyId'>,
  idempotencyKey: string | undefined,
): RecordUsageInput {
  if (apiKeyId !== undefined && event.api_key_id !== undefined && event.api_key_id !== apiKeyId)
    throw invalidField('api_key_id', 'is another key than the one that was called with.')
  const fields = Object.entries(names).flatMap(([wire, name]) =>
    event[wire] === undefined ? [] : [[name, event[wire]]],
  )
  const key = apiKeyId === undefined ? {} : { apiKeyId }
  return { ...Object.fromEntries(fields), ...key, accountId, idempotencyKey } as RecordUsageInput
}

export function recordedJson(recorded: RecordedUsage): z.output<typeof recordedUsage> {
  return {
    id: recorded.id,
    status: recorded.status,
    sparks: formatSparks(recorded.sparks),
    cost_usd: recorded.costUsd,
    settled_by: settledJson(recorded.settledBy),
    balance: sparksOf(recorded.balance),
    quota: quotaJson(recorded.quota),
    deliveries: { ...recorded.deliveries },
  }
}

function sparksOf({ balance, held, available, debt }: Balance): z.output<typeof recordedUsage>['balance'] {
  return {
    balance: formatSparks(balance),
    held: formatSparks(held),
    available: formatSparks(available),
    debt: formatSparks(debt),
  }
}
