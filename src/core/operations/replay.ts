import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { tracingDestination } from '../delivery/destination.js'
import { consumerDestination } from '../domain/event.js'
import { shadowDestination } from '../domain/ledger/told.js'
import { BillingError } from '../errors.js'
import { accountId, idField, parse } from './fields.js'
import { pagesOf } from './pages.js'

/** What to try again: everything that was given up, or some of it. */
export type ReplayInput =
  /** Webhooks, of one provider or all; or one of them by the provider's id of the event. */
  | { readonly kind: 'webhooks'; readonly provider?: string; readonly eventId?: string }
  /** Deliveries to one provider or consumer, or to all. */
  | { readonly kind: 'deliveries'; readonly destination?: string }
  /** One delivery, or the report it is part of, however it stands: also one that was delivered, or may have been. */
  | { readonly kind: 'delivery'; readonly accountId: string; readonly id: string }

/** How much is tried again. */
export interface Replayed {
  readonly webhooks: number
  readonly deliveries: number
}

const replaySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('webhooks'), provider: z.string().optional(), eventId: z.string().optional() }),
  z.strictObject({ kind: z.literal('deliveries'), destination: z.string().optional() }),
  z.strictObject({ kind: z.literal('delivery'), accountId, id: idField('id') }),
])

/**
 * Lets what was given up be tried again from the beginning: webhooks that could not be applied, deliveries that were refused. Without
 * input all of them. Usage of which nobody knows if it arrived is left to `reconcile`, which finds out first; named by its id it is
 * sent again all the same, and counts twice if it did arrive and the provider has forgotten it.
 *
 * @throws BillingError `not_found` (no such delivery or webhook that was given up), `invalid_state` (it is being delivered)
 * @example await billing.sync.replay({ kind: 'webhooks', provider: 'stripe' })
 */
export async function replay(ctx: BillingContext, input?: ReplayInput): Promise<Replayed> {
  const request = input === undefined ? null : parse(replaySchema, input)
  const replayed = { webhooks: 0, deliveries: 0 }
  if (request?.kind === 'delivery') replayed.deliveries = await replayDelivery(ctx, request)
  if (request === null || request.kind === 'webhooks') replayed.webhooks = await replayWebhooks(ctx, request ?? {})
  if (request === null || request.kind === 'deliveries')
    replayed.deliveries = await replayDeliveries(ctx, request?.destination)
  ctx.wake()
  return replayed
}

async function replayWebhooks(
  ctx: BillingContext,
  { provider, eventId }: { readonly provider?: string | undefined; readonly eventId?: string | undefined },
): Promise<number> {
  let count = 0
  const dead = pagesOf(
    (place) => ctx.store.inbox.dead(place),
    ({ cursor }) => cursor,
  )
  for await (const page of dead)
    for (const event of page) {
      if (provider !== undefined && event.provider !== provider) continue
      if (eventId !== undefined && event.eventId !== eventId) continue
      if (await ctx.store.inbox.revive(event.provider, event.eventId)) count += 1
    }
  if (count > 0 || eventId === undefined) return count
  throw new BillingError('not_found', `No webhook ${eventId} was given up.`, { details: { eventId } })
}

async function replayDeliveries(ctx: BillingContext, destination: string | undefined): Promise<number> {
  const backlog = await ctx.store.outbox.backlog()
  const parked = backlog.filter(({ status }) => status === 'parked').map((row) => row.destination)
  const wanted = destination === undefined ? parked : parked.filter((name) => namesOf(destination).includes(name))
  let count = 0
  for (const name of wanted) {
    const given = pagesOf(
      (place) => ctx.store.outbox.stranded(name, 'parked', place),
      ({ cursor }) => cursor,
    )
    for await (const page of given)
      for (const account of new Set(page.map((delivery) => delivery.accountId))) {
        const ids = page.filter((delivery) => delivery.accountId === account).map(({ id }) => id)
        count += await begin(ctx, account, ids, ['parked'])
      }
  }
  return count
}

/** A provider is told of usage that it collects, of other usage and of traces apart, and a consumer has a name of its own. */
function namesOf(destination: string): readonly string[] {
  const others = [shadowDestination, tracingDestination, consumerDestination]
  return [destination, ...others.map((name) => name(destination))]
}

async function replayDelivery(
  ctx: BillingContext,
  { accountId: account, id }: { readonly accountId: string; readonly id: string },
): Promise<number> {
  const delivery = await ctx.store.outbox.delivery(account, id)
  if (!delivery)
    throw new BillingError('not_found', `No delivery ${id} on account ${account}.`, { details: { deliveryId: id } })
  const count = await begin(ctx, account, [id], ['parked', 'uncertain', 'delivered'])
  if (count > 0) return count
  throw new BillingError('invalid_state', `Delivery ${id} is waiting to be delivered.`, { details: { deliveryId: id } })
}

async function begin(
  ctx: BillingContext,
  account: string,
  ids: readonly string[],
  from: readonly ('parked' | 'uncertain' | 'delivered')[],
): Promise<number> {
  const change = { ids, from, to: 'pending', error: null, event: null } as const
  return (await ctx.store.outbox.restate(account, change)).length
}
