import * as z from 'zod'
import { customers } from './customers.js'
import { invalid } from './errors.js'
import { activeAt } from './subscriptions.js'
import { type LagoWorld, newLagoId, tableOf } from './world.js'

/** One fact of usage, as it was sent. */
export interface LagoEvent {
  readonly lago_id: string
  readonly transaction_id: string
  readonly external_subscription_id: string
  readonly code: string
  readonly timestampMs: number
  readonly precise_total_amount_cents: string | null
  readonly properties: Readonly<Record<string, string | number>>
  readonly createdAtMs: number
}

/** In the order they came in. */
export const events = tableOf<LagoEvent>('events')

/** More than these in a batch are refused (`LAGO_EVENTS_BATCH_MAX_LENGTH`). */
export const maximumBatch = 100

/** Whatever is wrong with the fields is found out later; only these two are asked for at once. */
export const eventShape = z.object({
  transaction_id: z.string().nullish(),
  code: z.string().nullish(),
  external_subscription_id: z.string().nullish(),
  timestamp: z.union([z.number(), z.string()]).nullish(),
  precise_total_amount_cents: z.string().nullish(),
  properties: z.record(z.string(), z.union([z.string(), z.number()])).nullish(),
})

export type EventInput = z.output<typeof eventShape>

/** Takes one. @throws a 422 for a field that is missing, and in PostgreSQL for an id that is there */
export function ingest(world: LagoWorld, given: EventInput): LagoEvent {
  const problem = problemWith(world, given)
  if (problem !== undefined) throw invalid(problem)
  return store(world, given)
}

/** Takes all or, when anything is wrong with one, none. @throws a 422 that names what is wrong by the index of the event */
export function ingestBatch(world: LagoWorld, given: readonly EventInput[]): readonly LagoEvent[] {
  if (given.length === 0) throw invalid({ events: ['no_events'] })
  if (given.length > maximumBatch) throw invalid({ events: ['too_many_events'] })
  const problems: Record<string, unknown> = {}
  const taken: LagoEvent[] = []
  for (const [index, event] of given.entries()) {
    const problem = problemWith(world, event)
    if (problem === undefined) taken.push(store(world, event))
    else problems[index] = problem
  }
  if (Object.keys(problems).length > 0) throw invalid(problems)
  return taken
}

function problemWith(world: LagoWorld, given: EventInput): Record<string, readonly string[]> | undefined {
  const missing = (['transaction_id', 'code'] as const).filter((name) => !given[name])
  if (missing.length > 0) return Object.fromEntries(missing.map((name) => [name, ['value_is_mandatory']]))
  if (world.eventStore === 'postgres' && events(world).has(keyOf(given)))
    return { transaction_id: ['value_already_exist'] }
  return undefined
}

function store(world: LagoWorld, given: EventInput): LagoEvent {
  const now = world.now()
  const event: LagoEvent = {
    lago_id: newLagoId(),
    transaction_id: given.transaction_id ?? '',
    external_subscription_id: given.external_subscription_id ?? '',
    code: given.code ?? '',
    timestampMs: timeOf(given.timestamp, now),
    precise_total_amount_cents: given.precise_total_amount_cents ?? null,
    properties: given.properties ?? {},
    createdAtMs: now,
  }
  // ClickHouse keeps both rows of an id that came twice.
  events(world).put(world.eventStore === 'postgres' ? keyOf(given) : event.lago_id, event)
  return event
}

/** Within a subscription an id exists once; under another one it may come again. */
function keyOf({ external_subscription_id: subscription, transaction_id: id }: EventInput): string {
  return JSON.stringify([subscription ?? '', id])
}

/** Seconds, whole or with a fraction. */
function timeOf(given: EventInput['timestamp'], nowMs: number): number {
  const seconds = given === null || given === undefined || given === '' ? Number.NaN : Number(given)
  return Number.isFinite(seconds) ? Math.round(seconds * 1000) : nowMs
}

export function shownEvent(world: LagoWorld, { timestampMs, createdAtMs, ...event }: LagoEvent) {
  const subscription = activeAt(world, event.external_subscription_id, timestampMs)
  const customer = subscription && customers(world).get(subscription.external_customer_id)
  return {
    ...event,
    lago_customer_id: customer?.lago_id ?? null,
    lago_subscription_id: subscription?.lago_id ?? null,
    timestamp: new Date(timestampMs).toISOString(),
    created_at: new Date(createdAtMs).toISOString(),
  }
}
