import type { z } from '@hono/zod-openapi'
import {
  formatSparks,
  type InvoicePreviewView,
  type PeriodUsageView,
  type PriceList,
  type QuotaView,
  type UsageSummary,
  type UsageTimeline,
} from '../../index.js'
import type { usageDashboard } from '../contract/usage.js'
import { quotaJson } from './usage.js'
import { isoOrNull } from './wire.js'

/** What a dashboard shows. */
export interface DashboardFacts {
  readonly prices: PriceList
  readonly summary: UsageSummary
  readonly quotas: readonly QuotaView[]
  readonly timelines: ReadonlyMap<string, UsageTimeline>
  /** `unknown` while the provider cannot be asked. */
  readonly upcoming: InvoicePreviewView | null | 'unknown'
  /** The period that is under way there. */
  readonly atProvider: PeriodUsageView | null | 'unknown'
}

export function dashboardJson(facts: DashboardFacts): z.output<typeof usageDashboard> {
  const { prices, summary, quotas, timelines, upcoming, atProvider } = facts
  return {
    from: summary.from,
    to: summary.to,
    currency: prices.currency,
    events: summary.events,
    sparks: formatSparks(summary.sparks),
    charged: formatSparks(summary.charged),
    cost: summary.costUsd,
    meters: prices.meters.map(({ meter, unit }) => {
      const total = summary.byMeter.find(({ name }) => name === meter)
      const quota = quotas.find((each) => each.meter === meter)
      return {
        meter,
        unit,
        quantity: total?.quantity ?? '0',
        events: total?.events ?? 0,
        sparks: formatSparks(total?.sparks ?? 0n),
        series: (timelines.get(meter)?.days ?? []).map(({ name, quantity, events, sparks }) => ({
          date: name,
          quantity: quantity ?? '0',
          events,
          sparks: formatSparks(sparks),
        })),
        quota: quota ? quotaJson(quota) : null,
      }
    }),
    upcoming_invoice: upcoming === 'unknown' || upcoming === null ? null : upcomingJson(upcoming),
    provider_usage: atProvider === 'unknown' || atProvider === null ? null : providerJson(atProvider),
    is_complete: upcoming !== 'unknown' && atProvider !== 'unknown',
  }
}

function providerJson(usage: PeriodUsageView): z.output<typeof usageDashboard>['provider_usage'] {
  return {
    provider: usage.provider,
    period_start: usage.startsAt.toISOString(),
    period_end: usage.endsAt.toISOString(),
    currency: usage.currency,
    amount: Number(usage.amount),
    meters: usage.meters.map(({ meter, sparks, amount }) => ({
      meter,
      sparks: formatSparks(sparks),
      amount: Number(amount),
    })),
  }
}

function upcomingJson(preview: InvoicePreviewView): z.output<typeof usageDashboard>['upcoming_invoice'] {
  return {
    total: Number(preview.total),
    amount_due: Number(preview.amountDue),
    currency: preview.currency,
    period_start: isoOrNull(preview.startsAt),
    period_end: isoOrNull(preview.endsAt),
  }
}
