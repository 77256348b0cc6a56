import * as z from 'zod'
import type { Catalog, MeterName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import type { UsageCommand } from '../domain/ledger/command.js'
import type { Balance, Quota, SettledBy, UsageResult, UsageSource } from '../domain/ledger/outcome.js'
import { utcDay } from '../domain/period.js'
import type { Remedy } from '../domain/remedy.js'
import { formatQuantity, type MicroSparks } from '../domain/sparks.js'
import { BillingError, type ErrorCode, errorStatus, invariant } from '../errors.js'
import type { DeliveryStatus } from '../ports/store.js'
import {
  accountId,
  idempotencyKey,
  idField,
  meterName,
  parse,
  type QuantityInput,
  readDimensions,
  readQuantity,
  readTime,
  readTokens,
  type TimeInput,
} from './fields.js'
import { rate } from './rate.js'
import { keyed, type QuotaView, quotaView, requireAccount, submit } from './steps.js'

/** How much was used: a quantity, or tokens by pool (with a model where the meter is rated by cost), or a cost in the catalog's currency. */
export interface MeasureInput {
  /** Decimal text, a safe whole number, or a bigint of whole units. */
  readonly quantity?: QuantityInput
  /** Whole numbers by pool: `{ input: 900, output: 300 }`. */
  readonly tokens?: Readonly<Record<string, number>>
  readonly model?: string
  /** Cost before margin, decimal text. */
  readonly costUsd?: string
}

/** One fact of consumption. */
export interface RecordUsageInput<C extends Catalog = Catalog> extends MeasureInput {
  readonly accountId: string
  readonly meter: MeterName<C>
  /** What makes a repeat harmless: the id of the request that was served, say. Kept for ever. */
  readonly idempotencyKey: string
  /** When it was used; default now. At most 5 minutes ahead. */
  readonly occurredAt?: TimeInput
  /** Facts to group by: at most 50 names of 40 characters, values of 500. */
  readonly dimensions?: Readonly<Record<string, string>>
  /** The hold this usage settles. */
  readonly holdId?: string
  /** Default `record`: usage that happened is never dropped, what nothing covers is debt. `refuse` throws and writes nothing. */
  readonly onInsufficient?: 'record' | 'refuse'
}

/** How a provider stands with a usage event; `carried`: below one whole Spark, it goes out with the next. */
export type UsageDelivery = 'queued' | 'carried' | 'delivered' | 'parked' | 'uncertain'

/** What became of recorded usage. Credit is in micro-sparks. */
export interface RecordedUsage {
  readonly id: string
  readonly status: 'recorded' | 'duplicate'
  readonly sparks: MicroSparks
  /** Exact cost before margin; `null` when it was not rated by cost. */
  readonly costUsd: string | null
  /** Who paid, in micro-sparks; the parts sum to `sparks`. */
  readonly settledBy: SettledBy
  readonly balance: Balance
  readonly quota: QuotaView
  /** By provider: what it has confirmed, and what is still on its way. */
  readonly deliveries: Readonly<Record<string, UsageDelivery>>
}

const measureFields = {
  quantity: z
    .unknown()
    .transform((value) => readQuantity(value))
    .optional(),
  tokens: z
    .unknown()
    .transform((value) => readTokens(value))
    .optional(),
  model: z.string().min(1).max(200).optional(),
  costUsd: z.string().max(60).optional(),
}

const usageSchema = z.strictObject({
  accountId,
  meter: meterName,
  ...measureFields,
  idempotencyKey,
  occurredAt: z
    .unknown()
    .transform((value) => readTime(value, 'occurredAt'))
    .optional(),
  dimensions: z
    .unknown()
    .optional()
    .transform((value) => (value === undefined ? {} : readDimensions(value))),
  holdId: idField('holdId').optional(),
  onInsufficient: z.enum(['record', 'refuse']).default('record'),
})

/**
 * Records one fact of consumption: rates it, debits it, counts it, and queues it for the providers, in one durable step.
 *
 * Idempotent by `idempotencyKey`: a repeat answers as the first did, with `status: 'duplicate'` and the deliveries as they stand now.
 *
 * @throws BillingError `not_found` (call `accounts.ensure`), `invalid_request`, `invalid_quantity`, `invalid_timestamp`,
 * `timestamp_out_of_range`, `invalid_metadata`, `idempotency_key_required`, `invalid_idempotency_key`, `idempotency_conflict`,
 * `model_not_priced`; with a hold `invalid_state`; with `onInsufficient: 'refuse'` `insufficient_credits`, `quota_exceeded`
 * @example await billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 1200, idempotencyKey: requestId })
 */
export async function recordUsage<C extends Catalog>(
  ctx: BillingContext,
  input: RecordUsageInput<C>,
): Promise<RecordedUsage> {
  return recorded(ctx, usageCommand(ctx, input))
}

/** One item's result: what was recorded, or why it was not. */
export type BatchItem = RecordedUsage | { readonly status: 'refused'; readonly error: BillingError }

/**
 * Records up to 1,000 usage events. One malformed event fails the call before anything is written, with its `index`; otherwise each
 * event gets a result of its own, in order.
 *
 * @throws BillingError as `recordUsage` does for input, and `batch_too_large`
 */
export async function recordUsageBatch<C extends Catalog>(
  ctx: BillingContext,
  input: { readonly events: readonly RecordUsageInput<C>[] },
): Promise<readonly BatchItem[]> {
  const { events } = parse(z.strictObject({ events: z.array(z.unknown()).min(1, 'must not be empty') }), input)
  if (events.length > 1_000)
    throw new BillingError('batch_too_large', `A batch holds at most 1,000 events, not ${events.length}.`)
  const commands = events.map((event, index) => atIndex(index, () => usageCommand(ctx, event)))
  const bodies = new Map<string, string>()
  commands.forEach((command, index) => {
    const name = `${command.accountId}|${command.dedupe}`
    if ((bodies.get(name) ?? command.fingerprint) !== command.fingerprint) {
      const message = `Event ${index} repeats key ${command.key} with another body.`
      throw new BillingError('idempotency_conflict', message, { details: { index } })
    }
    bodies.set(name, command.fingerprint)
  })
  const results = await Promise.allSettled(commands.map((command) => recorded(ctx, command)))
  return results.map((result): BatchItem => {
    if (result.status === 'fulfilled') return result.value
    if (BillingError.is(result.reason)) return { status: 'refused', error: result.reason }
    throw result.reason
  })
}

/** Usage to ask about. */
export interface AuthorizeInput<C extends Catalog = Catalog> extends MeasureInput {
  readonly accountId: string
  readonly meter: MeterName<C>
}

/** Whether usage would be let through; a refusal names what would help. */
export type Authorization =
  | { readonly allowed: true; readonly source: UsageSource; readonly balance: Balance; readonly quota: QuotaView }
  | {
      readonly allowed: false
      readonly reason: 'suspended' | 'quota_exceeded' | 'insufficient_credits'
      readonly message: string
      /** The status an HTTP API would answer. */
      readonly httpStatus: number
      /** When the same request may pass by itself. */
      readonly retryAt: Date | null
      readonly remedies: readonly RemedyView[]
      readonly balance: Balance
      readonly quota: QuotaView
    }

/** A remedy as callers see it; `quantity` is decimal text. */
export type RemedyView =
  | Extract<Remedy, { kind: 'top_up' | 'upgrade' }>
  | { readonly kind: 'smaller_request'; readonly quantity: string }
  | { readonly kind: 'wait'; readonly until: Date }

/**
 * Asks whether usage would be let through, without reserving anything. A refusal counts as a throttled attempt on the quota.
 *
 * @throws BillingError `not_found`, and for input as `recordUsage`
 */
export async function authorize<C extends Catalog>(
  ctx: BillingContext,
  input: AuthorizeInput<C>,
): Promise<Authorization> {
  const request = parse(z.strictObject({ accountId, meter: meterName, ...measureFields }), input)
  const usage = rate(ctx.catalog, request.meter, request)
  const outcome = await ctx.ledger.submit({
    kind: 'authorize',
    accountId: request.accountId,
    id: ctx.newId('clm'),
    usage,
  })
  if (outcome.status !== 'refused') {
    invariant(outcome.result.kind === 'authorize', 'authorize answered another result')
    return {
      allowed: true,
      source: outcome.result.source,
      balance: outcome.result.balance,
      quota: quotaView(outcome.result.quota),
    }
  }
  ctx.wake()
  const { reason, balance, quota, remedies } = outcome.details as Partial<RefusalDetails>
  if (!reason || !quota || !balance) throw new BillingError(outcome.code, outcome.message, { details: outcome.details })
  return {
    allowed: false,
    reason,
    message: outcome.message,
    httpStatus: reason === 'suspended' ? 403 : (errorStatus[outcome.code as ErrorCode] ?? 500),
    retryAt: quota.limit === null ? null : new Date(quota.resetsAt),
    remedies: (remedies ?? []).map(remedyView),
    balance,
    quota: quotaView(quota),
  }
}

interface RefusalDetails {
  readonly reason: 'suspended' | 'quota_exceeded' | 'insufficient_credits'
  readonly balance: Balance
  readonly quota: Quota
  readonly remedies: readonly Remedy[]
}

/** One recorded event with how its deliveries stand. @throws BillingError `not_found` */
export async function getUsage(
  ctx: BillingContext,
  input: { readonly accountId: string; readonly id: string },
): Promise<RecordedUsage> {
  const request = parse(z.strictObject({ accountId, id: idField('id') }), input)
  const entry = await ctx.store.ledger.entry(request.accountId, request.id)
  if (entry?.result.kind !== 'usage')
    throw new BillingError('not_found', `No usage ${request.id} on account ${request.accountId}.`)
  return {
    ...usageView(entry.result),
    status: 'recorded',
    deliveries: await deliveriesOf(ctx, request.accountId, entry.id),
  }
}

/** Sums over a span of days; credit is in micro-sparks. */
export interface UsageSummary {
  readonly from: string
  readonly to: string
  readonly events: number
  readonly sparks: MicroSparks
  readonly byMeter: readonly UsageSum[]
  readonly byModel: readonly UsageSum[]
  readonly byDay: readonly UsageSum[]
}

/** A sum over usage; `name` is the meter, model or day. `quantity` is decimal text and only there when units do not mix. */
export interface UsageSum {
  readonly name: string
  readonly events: number
  readonly quantity: string | null
  readonly sparks: MicroSparks
}

const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a day such as 2026-11-21')
  .refine((value) => !Number.isNaN(Date.parse(value)), 'is no day')

/**
 * Sums over whole UTC days, from `from` (included) to `to` (excluded); default this month until now.
 *
 * @throws BillingError `not_found`, `invalid_request`, `invalid_range`
 */
export async function summarizeUsage(
  ctx: BillingContext,
  input: { readonly accountId: string; readonly from?: string; readonly to?: string },
): Promise<UsageSummary> {
  const request = parse(z.strictObject({ accountId, from: day.optional(), to: day.optional() }), input)
  await requireAccount(ctx, request.accountId)
  const today = utcDay(ctx.environment.now())
  const from = request.from ?? `${today.slice(0, 8)}01`
  const to = request.to ?? utcDay(ctx.environment.now() + 86_400_000)
  if (from >= to) throw new BillingError('invalid_range', 'from must lie before to.', { details: { from, to } })
  const rows = await ctx.store.ledger.rollups(request.accountId, from, to)
  const sum = (nameOf: (row: (typeof rows)[number]) => string, withQuantity: boolean): readonly UsageSum[] => {
    const sums = new Map<string, { events: number; quantity: bigint; sparks: bigint }>()
    for (const row of rows) {
      const before = sums.get(nameOf(row)) ?? { events: 0, quantity: 0n, sparks: 0n }
      sums.set(nameOf(row), {
        events: before.events + row.events,
        quantity: before.quantity + row.quantity,
        sparks: before.sparks + row.sparks,
      })
    }
    return [...sums]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, total]) => ({ name, ...total, quantity: withQuantity ? formatQuantity(total.quantity) : null }))
  }
  return {
    from,
    to,
    events: rows.reduce((total, row) => total + row.events, 0),
    sparks: rows.reduce((total, row) => total + row.sparks, 0n),
    byMeter: sum((row) => row.meter, true),
    byModel: sum((row) => row.model, false),
    byDay: sum((row) => row.day, false),
  }
}

function usageCommand(ctx: BillingContext, input: unknown, operation = 'usage'): UsageCommand {
  const request = parse(usageSchema, input)
  const { idempotencyKey: _, ...body } = request
  const usage = rate(ctx.catalog, request.meter, request, request.dimensions)
  if (request.occurredAt !== undefined && request.occurredAt > ctx.environment.now() + 300_000) {
    throw new BillingError('timestamp_out_of_range', 'occurredAt is more than 5 minutes ahead.')
  }
  return {
    kind: 'usage',
    ...keyed(ctx, operation, 'use', request, body),
    usage,
    occurredAt: request.occurredAt ?? null,
    onInsufficient: request.onInsufficient,
    holdId: request.holdId ?? null,
    onExcess: 'debt',
  }
}

/** Submits a usage command and answers as `recordUsage` does; also how a hold on a meter is captured. */
export async function recorded(ctx: BillingContext, command: UsageCommand): Promise<RecordedUsage> {
  const outcome = await submit(ctx, command)
  invariant(outcome.result.kind === 'usage', 'usage answered another result')
  const view = usageView(outcome.result)
  if (outcome.status === 'duplicate') {
    return { ...view, status: 'duplicate', deliveries: await deliveriesOf(ctx, command.accountId, outcome.result.id) }
  }
  const told = [...ctx.rules.metering, ...ctx.rules.tracing].map((id): [string, UsageDelivery] => [id, 'queued'])
  return { ...view, status: 'recorded', deliveries: Object.fromEntries(told) }
}

function usageView(result: UsageResult) {
  const { id, sparks, costUsd, settledBy, balance, quota } = result
  return { id, sparks, costUsd, settledBy, balance, quota: quotaView(quota) }
}

async function deliveriesOf(
  ctx: BillingContext,
  account: string,
  entryId: string,
): Promise<Readonly<Record<string, UsageDelivery>>> {
  const entry = await ctx.store.ledger.entry(account, entryId)
  const named = Object.entries(entry?.deliveries ?? {})
  const statuses = await ctx.store.outbox.statuses(
    account,
    named.flatMap(([, id]) => id ?? []),
  )
  return Object.fromEntries(
    named.map(([destination, id]) => [destination, id === null ? 'carried' : wordFor(statuses.get(id))]),
  )
}

function wordFor(status: DeliveryStatus | undefined): UsageDelivery {
  return status === undefined || status === 'pending' ? 'queued' : status
}

function remedyView(remedy: Remedy): RemedyView {
  switch (remedy.kind) {
    case 'smaller_request':
      return { kind: remedy.kind, quantity: formatQuantity(remedy.quantity) }
    case 'wait':
      return { kind: remedy.kind, until: new Date(remedy.until) }
    default:
      return remedy
  }
}

function atIndex<T>(index: number, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!BillingError.is(error)) throw error
    throw new BillingError(error.code, `Event ${index}: ${error.message}`, {
      details: { ...error.details, index },
      cause: error,
    })
  }
}

/** What measures have in common, for the operations on holds. */
export { measureFields }
