import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { type DeliveryReport, deliverDue, noDeliveries, sumReports } from '../outbox.js'
import type { DeliveryStatus } from '../ports/store.js'
import { parse } from './fields.js'
import { applyInbox } from './webhooks.js'

/** What a pass did, and what is left. */
export interface SyncReport extends DeliveryReport {
  /** Webhook events that were tried. */
  readonly webhooks: number
  /** Whether everything that was due is done. */
  readonly idle: boolean
}

const flushSchema = z.strictObject({ timeoutMs: z.number().min(0).default(30_000) })

/** Expires, applies and delivers what is due, until nothing is or the time is over. */
export async function flush(ctx: BillingContext, options: { readonly timeoutMs?: number } = {}): Promise<SyncReport> {
  const { timeoutMs } = parse(flushSchema, options)
  const deadline = ctx.environment.now() + timeoutMs
  let report = noDeliveries
  let webhooks = 0
  for (;;) {
    const pass = await runOnce(ctx)
    report = sumReports(report, pass)
    webhooks += pass.webhooks
    if (pass.idle) return { ...report, webhooks, idle: true }
    if (ctx.environment.now() >= deadline) return { ...report, webhooks, idle: false }
  }
}

/** One pass. `idle` says that it found nothing to do. */
export async function runOnce(ctx: BillingContext): Promise<SyncReport> {
  const due = await ctx.store.ledger.due(100)
  for (const accountId of due) await ctx.ledger.submit({ kind: 'expire', accountId, id: ctx.newId('clm') })
  const webhooks = await applyInbox(ctx)
  const delivered = await deliverDue(ctx)
  return { ...delivered, webhooks, idle: due.length + webhooks + delivered.tried === 0 }
}

/** How deliveries and webhooks stand. */
export interface SyncStatus {
  readonly deliveries: readonly {
    readonly destination: string
    readonly status: DeliveryStatus
    readonly count: number
  }[]
  readonly webhooks: readonly { readonly status: 'pending' | 'dead'; readonly count: number }[]
}

export async function syncStatus(ctx: BillingContext): Promise<SyncStatus> {
  return { deliveries: await ctx.store.outbox.backlog(), webhooks: await ctx.store.inbox.backlog() }
}
