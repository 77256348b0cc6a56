import type { z } from '@hono/zod-openapi'
import { formatSparks, type InvoiceView, type QuotaView, type SettledBy, type UsageRecord } from '../../index.js'
import type { quota, usageRecord } from '../contract/usage.js'
import { times } from './amount.js'
import { isoOrNull, type Wire } from './wire.js'

/** What records are read together with. */
export interface UsageFacts {
  readonly accountId: string
  /** What a Spark costs. */
  readonly spark: string
  readonly wire: Wire
  /** The account's newest invoices, where some of the usage is collected by a provider. */
  readonly invoices: readonly InvoiceView[]
}

/** Recorded usage as S4 has it. */
export function usageJson(record: UsageRecord, facts: UsageFacts): z.output<typeof usageRecord> {
  const { accountId, spark, wire } = facts
  const total = times(formatSparks(chargedOf(record.settledBy)), spark)
  const quantity = Number(record.quantity)
  const invoice = isCollected(record) ? invoiceFor(record, facts.invoices) : undefined
  const billedAt = record.billed ? (invoice?.finalizedAt ?? record.recordedAt) : null
  return {
    id: record.id,
    billing_account_id: accountId,
    ticket_id: record.dimensions[wire.dimensions.ticket] ?? null,
    usage_type: record.meter ?? 'hold',
    quantity,
    unit_price: quantity === 0 ? 0 : total / quantity,
    total_price: total,
    free_tier_used: (record.settledBy.allowance ?? 0n) > 0n,
    invoice_id: invoice?.id ?? null,
    billed: record.billed,
    usage_details: detailsOf(record),
    recorded_at: record.recordedAt.toISOString(),
    billed_at: isoOrNull(billedAt),
    occurred_at: record.occurredAt.toISOString(),
    sparks: formatSparks(record.sparks),
    settled_by: settledJson(record.settledBy),
  }
}

/** Whether a provider collects some of it afterwards. */
export function isCollected({ settledBy }: UsageRecord): boolean {
  return Object.keys(settledBy).some((name) => name.startsWith('meter:'))
}

export function settledJson(settledBy: SettledBy): Record<string, string> {
  return Object.fromEntries(Object.entries(settledBy).map(([name, sparks]) => [name, formatSparks(sparks)]))
}

export function quotaJson(view: QuotaView): z.output<typeof quota> {
  const { meter, status, used, held, limit, remaining, periodStartsAt, resetsAt } = view
  const period = { period_start: periodStartsAt.toISOString(), resets_at: resetsAt.toISOString() }
  return { meter, status, used, held, limit, remaining, ...period }
}

/** What the account does not pay: what its plan includes, what its own keys pay, and what the house bears. */
const unpaid: ReadonlySet<string> = new Set(['allowance', 'byo', 'written_off'])

function chargedOf(settledBy: SettledBy): bigint {
  return Object.entries(settledBy).reduce((sum, [name, sparks]) => (unpaid.has(name) ? sum : sum + sparks), 0n)
}

/** The invoice made after a period that it happened in. A fee that is paid in advance is on an invoice from before the period's end. */
function invoiceFor({ occurredAt }: UsageRecord, invoices: readonly InvoiceView[]): InvoiceView | undefined {
  return invoices.find(({ lines, createdAt }) =>
    lines.some(
      ({ startsAt, endsAt }) =>
        startsAt && endsAt && startsAt <= occurredAt && occurredAt < endsAt && endsAt <= createdAt,
    ),
  )
}

function detailsOf(record: UsageRecord): Record<string, unknown> | null {
  const { model, provider, serviceTier, tokens, costUsd, holdId, amended, voided, dimensions } = record
  const details = {
    ...(model !== null && { model }),
    ...(provider !== null && { provider }),
    ...(serviceTier !== null && { service_tier: serviceTier }),
    ...(tokens !== null && { tokens }),
    ...(costUsd !== null && { cost_usd: costUsd }),
    ...(holdId !== null && { hold_id: holdId }),
    ...(amended && { amended }),
    ...(voided && { voided }),
    ...(Object.keys(dimensions).length > 0 && { dimensions }),
  }
  return Object.keys(details).length === 0 ? null : details
}
