import type { BillingContext } from './context.js'
import { deliverToConsumer } from './delivery/consumer-lane.js'
import { meteringDestinations, tracingDestination } from './delivery/destination.js'
import { reportUsage } from './delivery/metering.js'
import { deliverToProvider } from './delivery/provider-lane.js'
import { type DeliveryReport, noDeliveries } from './delivery/report.js'
import { traceUsage } from './delivery/tracing.js'
import { BillingError } from './errors.js'
import type { Lifetime } from './lifetime.js'
import { applyInbox } from './operations/webhooks.js'

/** What a job did. */
export interface JobReport extends DeliveryReport {
  /** Webhook events that were tried. */
  readonly webhooks: number
  /** Accounts whose holds or grants were ended. */
  readonly expired: number
}

/** A part of the background. Jobs know nothing of each other, so that one that waits or fails holds up nobody else. */
export interface Job {
  readonly name: string
  /** Whether new deliveries are its business. */
  readonly delivers: boolean
  /** Does what is due now. */
  run(lifetime: Lifetime): Promise<JobReport>
}

const nothing: JobReport = { ...noDeliveries, webhooks: 0, expired: 0 }

/** Everything that is to be done in the background: expiry, webhooks, and a lane for each provider and consumer. `early`: minutes are not waited for. */
export function jobsOf(ctx: BillingContext, { early }: { readonly early: boolean } = { early: false }): readonly Job[] {
  const lane = (name: string, deliver: (lifetime: Lifetime) => Promise<DeliveryReport>): Job => ({
    name,
    delivers: true,
    run: async (lifetime) => ({ ...nothing, ...(await deliver(lifetime)) }),
  })
  return [
    { name: 'expiry', delivers: false, run: (lifetime) => expire(ctx, lifetime) },
    {
      name: 'webhooks',
      delivers: false,
      run: async (lifetime) => ({ ...nothing, webhooks: await applyInbox(ctx, lifetime) }),
    },
    ...ctx.roles.metering.flatMap((provider) =>
      meteringDestinations(provider).map((destination) =>
        lane(`metering ${destination}`, (lifetime) =>
          deliverToProvider(
            ctx,
            destination,
            lifetime,
            (batch, signal) => reportUsage(ctx, provider, batch, signal),
            early,
          ),
        ),
      ),
    ),
    ...ctx.roles.tracing.map((provider) =>
      lane(`tracing ${provider.id}`, (lifetime) =>
        deliverToProvider(
          ctx,
          tracingDestination(provider.id),
          lifetime,
          (batch, signal) => traceUsage(provider, batch, signal),
          early,
        ),
      ),
    ),
    ...ctx.consumers
      .names()
      .map((consumer) => lane(`consumer ${consumer}`, (lifetime) => deliverToConsumer(ctx, consumer, lifetime))),
  ]
}

/** Ends holds and grants whose time is over. An account that fails keeps no other from it. */
async function expire(ctx: BillingContext, { stopping }: Lifetime): Promise<JobReport> {
  const accounts = await ctx.store.ledger.due(100)
  const failures: unknown[] = []
  for (const accountId of accounts) {
    if (stopping.aborted) break
    await ctx.ledger.submit({ kind: 'expire', accountId, id: ctx.newId('clm') }).catch((error: unknown) => {
      // One that is kept locked is still due at the next pass.
      if (!BillingError.is(error) || error.code !== 'account_busy') failures.push(error)
    })
  }
  if (failures.length > 0) throw failures[0]
  return { ...nothing, expired: accounts.length }
}
