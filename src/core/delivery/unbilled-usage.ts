import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import { meteringProvider } from '../operations/collection.js'
import { reportUsage } from './metering.js'
import { batchSize, leaseMs, sendBatch } from './provider-lane.js'

/** How long somebody may wait for it. */
const patienceMs = 10_000
/** How often a provider is asked that does not take it. */
const maximumAttempts = 3
const pauseMs = 250

/**
 * Delivers what an account has used and its provider was not told of yet, before something that it makes its last invoice of: what it is
 * told of afterwards is charged by nobody. Whatever waits is sent now, also what was to be tried again later; what another worker has in
 * hand is waited for. What was given up stays with whoever is to look into it.
 *
 * @throws BillingError `provider_unavailable` when it was not taken in time; nothing else has happened then
 */
export async function deliverUnbilled(ctx: BillingContext, providerId: string, accountId: string): Promise<void> {
  const provider = meteringProvider(ctx, providerId)
  if (!provider) return
  const isLevelled = [...ctx.catalog.meters.values()].some(({ aggregation }) => aggregation === 'time_weighted')
  if (isLevelled) await ctx.ledger.submit({ kind: 'expire', accountId, id: ctx.newId('clm'), countsLevels: true })
  const aborting = AbortSignal.any([ctx.lifetime.aborting, AbortSignal.timeout(patienceMs)])

  /** Everything that nobody else has, until something of it is not taken. */
  const deliverOnce = async (): Promise<boolean> => {
    for (;;) {
      const batch = await ctx.store.outbox.claim(providerId, { limit: batchSize, leaseMs, accountId })
      if (batch.length === 0) return true
      const settlements = await sendBatch(ctx, providerId, { aborting }, batch, (sent, signal) =>
        reportUsage(ctx, provider, sent, signal),
      )
      await ctx.store.outbox.settle(settlements)
      if (settlements.some(({ status }) => status === 'pending')) return false
    }
  }

  for (let attempts = 0; ; ) {
    const isTaken = await deliverOnce()
    const waiting = await waitingOf(ctx, providerId, accountId)
    if (waiting === 0) return
    if (!isTaken) attempts += 1
    if (attempts === maximumAttempts || aborting.aborted)
      throw new BillingError(
        'provider_unavailable',
        `Usage of account ${accountId} that ${providerId} was not told of would be charged by nobody: nothing was changed. Try again, or end it with its period.`,
        { details: { provider: providerId, waiting } },
      )
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

async function waitingOf(ctx: BillingContext, destination: string, accountId: string): Promise<number> {
  const own = await ctx.store.outbox.backlog(accountId)
  return own.find((each) => each.destination === destination && each.status === 'pending')?.count ?? 0
}
