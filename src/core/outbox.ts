import type { Able } from './config.js'
import type { BillingContext } from './context.js'
import { consumerDestination } from './domain/event.js'
import { formatQuantity, formatSparks } from './domain/sparks.js'
import { BillingError } from './errors.js'
import { ensureCustomer } from './operations/customers.js'
import type { ReportOutcome } from './ports/capabilities/metering.js'
import type { TracedUsage } from './ports/capabilities/tracing.js'
import type { Delivery, Settlement } from './ports/store.js'

/** What a pass over the outbox did. */
export interface DeliveryReport {
  readonly tried: number
  readonly delivered: number
  /** To be tried again later. */
  readonly postponed: number
  /** Given up: they wait for a person or for reconciliation. */
  readonly parked: number
}

export const noDeliveries: DeliveryReport = { tried: 0, delivered: 0, postponed: 0, parked: 0 }

export function sumReports(left: DeliveryReport, right: DeliveryReport): DeliveryReport {
  return {
    tried: left.tried + right.tried,
    delivered: left.delivered + right.delivered,
    postponed: left.postponed + right.postponed,
    parked: left.parked + right.parked,
  }
}

/** What came of an attempt; `uncertain` when it was not made since nobody would recognise a repeat. */
type Attempted = ReportOutcome | { readonly status: 'uncertain'; readonly reason: string }

const leaseMs = 60_000
const hourMs = 3_600_000
const attemptsOfConsumers = 20

/** Delivers what is due, each destination in a lane of its own so that one that is down holds up nobody else. */
export async function deliverDue(ctx: BillingContext): Promise<DeliveryReport> {
  const lanes = [
    ...ctx.roles.metering.map((provider) => lane(ctx, provider.id, (batch) => report(ctx, provider, batch))),
    ...ctx.roles.tracing.map((provider) => lane(ctx, provider.id, (batch) => trace(provider, batch))),
    ...ctx.consumers
      .names()
      .map((consumer) => lane(ctx, consumerDestination(consumer), (batch) => tell(ctx, consumer, batch))),
  ]
  const reports = await Promise.all(lanes)
  return reports.reduce(sumReports, noDeliveries)
}

/** How long to wait before trying again: full jitter over a doubling time, a second to a quarter of an hour. */
export function retryDelay(ctx: BillingContext, attempts: number, atLeastMs = 0): number {
  const most = Math.min(900_000, 1_000 * 2 ** Math.min(attempts, 10))
  const [byte = 0] = ctx.environment.randomBytes(new Uint8Array(1))
  return Math.max(atLeastMs, Math.ceil((most * (byte + 1)) / 256))
}

type Send = (batch: readonly Delivery[]) => Promise<readonly Attempted[]>

async function lane(ctx: BillingContext, destination: string, send: Send): Promise<DeliveryReport> {
  let sum = noDeliveries
  for (;;) {
    const batch = await ctx.store.outbox.claim(destination, { limit: 100, leaseMs })
    if (batch.length === 0) return sum
    const outcomes = await attempt(ctx, destination, batch, send)
    const settlements = batch.map((delivery, index) => settlementOf(ctx, delivery, outcomes[index]))
    await ctx.store.outbox.settle(settlements)
    await tellParked(ctx, batch, settlements)
    const count = (status: Settlement['status']) =>
      settlements.filter((settlement) => settlement.status === status).length
    const parked = count('parked') + count('uncertain')
    sum = sumReports(sum, { tried: batch.length, delivered: count('delivered'), postponed: count('pending'), parked })
  }
}

/** A lane that throws (wrong key, store gone) did not deliver any of its batch: all of it waits. */
async function attempt(
  ctx: BillingContext,
  destination: string,
  batch: readonly Delivery[],
  send: Send,
): Promise<readonly Attempted[]> {
  try {
    return await send(batch)
  } catch (error) {
    ctx.environment.onError(error, `delivery to ${destination}`)
    const reason = error instanceof Error ? error.message : String(error)
    const isKnown = BillingError.is(error) && error.outcome === 'not_applied'
    return batch.map(() => ({ status: isKnown ? 'retry' : 'unknown', reason }))
  }
}

async function report(
  ctx: BillingContext,
  provider: Able<'metering'>,
  batch: readonly Delivery[],
): Promise<readonly Attempted[]> {
  const { maximumAgeMs, dedupeWindowMs } = provider.metering
  const now = ctx.environment.now()
  const outcomes: Attempted[] = batch.map((delivery) => {
    if (now - delivery.occurredAt >= maximumAgeMs)
      return { status: 'rejected', reason: `older than ${provider.id} takes` }
    const sentAt = delivery.firstAttemptAt
    // Past the window nothing at the provider would recognise a repeat: it must not be sent blindly.
    if (sentAt !== null && now - sentAt >= dedupeWindowMs - hourMs)
      return { status: 'uncertain', reason: 'outside the dedupe window' }
    return { status: 'retry', reason: 'not sent' }
  })
  const sendable = batch.filter((_, index) => outcomes[index]?.status === 'retry')
  const customers = new Map<string, string>()
  for (const accountId of new Set(sendable.map((delivery) => delivery.accountId))) {
    customers.set(accountId, await ensureCustomer(ctx, provider, accountId))
  }
  const answers = await provider.metering.report(
    sendable.map((delivery) => ({
      identifier: delivery.id,
      customerId: customers.get(delivery.accountId) ?? delivery.accountId,
      meter: delivery.meter ?? '',
      sparks: delivery.sparks,
      occurredAt: delivery.occurredAt,
    })),
    {},
  )
  sendable.forEach((delivery, index) => {
    const answer = answers[index]
    if (answer) outcomes[batch.indexOf(delivery)] = answer
  })
  return outcomes
}

async function trace(provider: Able<'tracing'>, batch: readonly Delivery[]): Promise<readonly ReportOutcome[]> {
  const usage = batch.map((delivery) => delivery.entries.flatMap((entry) => tracedUsage(entry) ?? []))
  const answers = await provider.tracing.export(usage.flat(), {})
  let next = 0
  return usage.map((events) => {
    const own = answers.slice(next, next + events.length)
    next += events.length
    return worst(own)
  })
}

async function tell(
  ctx: BillingContext,
  consumer: string,
  batch: readonly Delivery[],
): Promise<readonly ReportOutcome[]> {
  const outcomes: ReportOutcome[] = []
  for (const { event, attempts } of batch) {
    try {
      if (event) for (const handler of ctx.consumers.handlers(consumer, event.type)) await handler(event)
      outcomes.push({ status: 'delivered' })
    } catch (error) {
      ctx.environment.onError(error, `consumer ${consumer}`)
      const reason = error instanceof Error ? error.message : String(error)
      outcomes.push({ status: attempts >= attemptsOfConsumers ? 'rejected' : 'retry', reason })
    }
  }
  return outcomes
}

function settlementOf(ctx: BillingContext, delivery: Delivery, outcome: Attempted | undefined): Settlement {
  const { id, fence, attempts } = delivery
  const settled = (status: Settlement['status'], error: string | null) => ({
    id,
    fence,
    status,
    error,
    retryInMs: null,
  })
  switch (outcome?.status) {
    case 'delivered':
      return settled('delivered', null)
    case 'rejected':
      return settled('parked', outcome.reason)
    case 'uncertain':
      return settled('uncertain', outcome.reason)
    case 'unknown':
      return { ...settled('pending', outcome.reason), retryInMs: retryDelay(ctx, attempts) }
    case 'retry':
      return { ...settled('pending', outcome.reason), retryInMs: retryDelay(ctx, attempts, outcome.retryAfterMs) }
    case undefined:
      return { ...settled('pending', 'the provider gave no outcome'), retryInMs: retryDelay(ctx, attempts) }
  }
}

async function tellParked(
  ctx: BillingContext,
  batch: readonly Delivery[],
  settlements: readonly Settlement[],
): Promise<void> {
  for (const [index, { id, status, error }] of settlements.entries()) {
    const delivery = batch[index]
    if (!delivery || delivery.kind === 'event' || (status !== 'parked' && status !== 'uncertain')) continue
    await ctx.store.outbox.publish({
      id: `evt_${status}_${id}`,
      type: 'delivery.parked',
      accountId: delivery.accountId,
      occurredAt: ctx.environment.now(),
      data: { deliveryId: id, destination: delivery.destination, status, reason: error },
    })
  }
}

function tracedUsage({ id, accountId, usage }: Delivery['entries'][number]): TracedUsage | null {
  if (!usage) return null
  const { meter, model, tokens, costUsd, occurredAt, dimensions } = usage
  const quantity = formatQuantity(usage.quantity)
  return {
    usageId: id,
    accountId,
    meter,
    model,
    quantity,
    tokens,
    costUsd,
    sparks: formatSparks(usage.sparks),
    occurredAt,
    dimensions,
  }
}

/** A delivery of several events is done when all of them are: repeating those that were is harmless. */
function worst(outcomes: readonly ReportOutcome[]): ReportOutcome {
  const order = ['unknown', 'retry', 'rejected', 'delivered'] as const
  for (const status of order) {
    const found = outcomes.find((outcome) => outcome.status === status)
    if (found) return found
  }
  return { status: 'delivered' }
}
