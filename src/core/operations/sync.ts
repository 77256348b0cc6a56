import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { type DeliveryReport, noDeliveries, sumReports } from '../delivery/report.js'
import { jobsOf } from '../jobs.js'
import type { Lifetime } from '../lifetime.js'
import type { DeliveryStatus } from '../ports/store.js'
import { parse } from './fields.js'

/** What a pass did, and what is left. */
export interface SyncReport extends DeliveryReport {
  /** Webhook events that were tried. */
  readonly webhooks: number
  /** Whether everything that was due is done. */
  readonly idle: boolean
}

const flushSchema = z.strictObject({ timeoutMs: z.number().min(0).default(30_000) })

/**
 * Expires, applies and delivers what is due, until nothing is or the time is over.
 *
 * @throws what a part of it failed with, after the other parts have done theirs
 */
export async function flush(ctx: BillingContext, options: { readonly timeoutMs?: number } = {}): Promise<SyncReport> {
  const { timeoutMs } = parse(flushSchema, options)
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), Math.min(timeoutMs, 2 ** 31 - 1))
  const { stopping, aborting } = ctx.lifetime
  const lifetime = {
    stopping: AbortSignal.any([stopping, over.signal]),
    aborting: AbortSignal.any([aborting, over.signal]),
  }
  try {
    return await untilIdle(ctx, lifetime, { early: true })
  } finally {
    clearTimeout(timer)
  }
}

/** How long the background may work. */
export interface RunOptions {
  readonly signal?: AbortSignal
  /** Does what is due and ends, instead of going on; minutes of usage that are not over yet are left for later, unlike by `flush`. */
  readonly once?: boolean
}

const runSchema = z.strictObject({ signal: z.instanceof(AbortSignal).optional(), once: z.boolean().default(false) })

/** @throws BillingError `invalid_request`, `unknown_field`; with `once` what a part of it failed with, after the others have done theirs */
export async function runInBackground(
  ctx: BillingContext,
  options: RunOptions,
  goOn: (signal: AbortSignal | undefined) => Promise<void>,
): Promise<void> {
  const { signal, once } = parse(runSchema, options)
  if (!once) return goOn(signal)
  const { stopping, aborting } = ctx.lifetime
  const until = signal ? AbortSignal.any([signal, stopping]) : stopping
  await untilIdle(ctx, { stopping: until, aborting }, { early: false })
}

async function untilIdle(
  ctx: BillingContext,
  lifetime: Lifetime,
  options: { readonly early: boolean },
): Promise<SyncReport> {
  let report: DeliveryReport = noDeliveries
  let webhooks = 0
  for (;;) {
    const pass = await runOnce(ctx, lifetime, options)
    report = sumReports(report, pass)
    webhooks += pass.webhooks
    if (pass.idle) return { ...report, webhooks, idle: !lifetime.stopping.aborted }
    if (lifetime.stopping.aborted) return { ...report, webhooks, idle: false }
  }
}

/** One pass over all jobs at once. `idle` says that they found nothing to do. */
async function runOnce(
  ctx: BillingContext,
  lifetime: Lifetime,
  options: { readonly early: boolean },
): Promise<SyncReport> {
  const results = await Promise.allSettled(jobsOf(ctx, options).map((job) => job.run(lifetime)))
  const failure = results.find((result) => result.status === 'rejected')
  if (failure) throw failure.reason
  const reports = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  const webhooks = reports.reduce((sum, report) => sum + report.webhooks, 0)
  const expired = reports.reduce((sum, report) => sum + report.expired, 0)
  const delivered = reports.reduce<DeliveryReport>(sumReports, noDeliveries)
  return { ...delivered, webhooks, idle: expired + webhooks + delivered.tried === 0 }
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
