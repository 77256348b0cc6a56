import * as z from 'zod'
import type { Catalog, MeterName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { scopesOf } from '../domain/budget.js'
import type { ExtendCommand, HoldCommand, RatedUsage } from '../domain/ledger/command.js'
import type { HoldResult, HoldStatus, Refusal } from '../domain/ledger/outcome.js'
import type { Hold } from '../domain/ledger/state.js'
import { formatQuantity, type MicroSparks } from '../domain/sparks.js'
import { BillingError, invariant } from '../errors.js'
import { type AttributionInput, attributionFields, dimensionsOf } from './attribution.js'
import {
  accountId,
  idempotencyKey,
  idField,
  meterName,
  optionalText,
  parse,
  readDimensions,
  readSparks,
  type SparksInput,
} from './fields.js'
import { type MeasureInput, measureFields, measureFieldsFromZero } from './measure.js'
import { measureFromZero, noDimensions, oneOf, plainly } from './plain-input.js'
import { type Measure, rate, unrated } from './rate.js'
import { refusalOf } from './refusal.js'
import { keyed, submit } from './steps.js'
import { type RecordedUsage, recorded } from './usage.js'

/** Either credits (`amount`), or usage of a meter at its most. */
export interface HoldInput<C extends Catalog = Catalog> extends MeasureInput, AttributionInput {
  readonly accountId: string
  /** Sparks to reserve, for a hold that names no meter. */
  readonly amount?: SparksInput
  readonly meter?: MeterName<C>
  /** How long it lasts by the store's clock; default 15 minutes, at most 30 days. */
  readonly ttlMs?: number
  readonly reason?: string
  readonly idempotencyKey: string
}

/** Credits, and units of a meter, reserved for work under way. */
export interface HoldView {
  readonly id: string
  readonly status: HoldStatus
  readonly meter: string | null
  /** Decimal text in the meter's unit. */
  readonly quantity: string
  /** Reserved micro-sparks: what the allowance does not cover. */
  readonly sparks: MicroSparks
  readonly captured: MicroSparks
  readonly expiresAt: Date
}

const [leastTtlMs, usualTtlMs, mostTtlMs] = [1_000, 15 * 60_000, 30 * 86_400_000]
const ttlMs = z.int().min(leastTtlMs).max(mostTtlMs).default(usualTtlMs)

const holdSchema = z.strictObject({
  accountId,
  amount: z
    .unknown()
    .transform((value) => readSparks(value))
    .optional(),
  meter: meterName.optional(),
  ...measureFields,
  ttlMs,
  reason: optionalText(500).default(''),
  ...attributionFields,
  idempotencyKey,
})

export const parseHold = plainly(holdSchema, {
  readers: {
    amount: (value) => readSparks(value),
    ttlMs: (value) => (isTtl(value) ? value : undefined),
  },
  required: ['accountId', 'idempotencyKey'],
  defaults: { dimensions: noDimensions, reason: '', ttlMs: usualTtlMs },
})

/**
 * Reserves credits before work begins, so that it cannot overspend. Ends by `capture`, `release` or expiry. A repeated key answers what
 * the first call did, also when that hold is over by now: it reserves nothing again.
 *
 * @throws BillingError `insufficient_credits`, `quota_exceeded`, `invalid_state` (suspended), `not_found`, `idempotency_conflict`, and for input
 */
export async function hold<C extends Catalog>(ctx: BillingContext, input: HoldInput<C>): Promise<HoldView> {
  return (await takeHold(ctx, input, 'hold')).hold
}

/** What a hold is for: it never changes. */
export type HeldFor = Pick<Hold, 'id' | 'meter' | 'quantity' | 'dimensions'>

/** The same for keys of one operation, with what it is for if it is a new hold: a repeat answers what the first one did. */
export async function takeHold<C extends Catalog>(
  ctx: BillingContext,
  input: HoldInput<C>,
  operation: string,
): Promise<{ readonly hold: HoldView; readonly taken: HeldFor | null }> {
  const request = parseHold(input)
  const { idempotencyKey: _, ...body } = request
  const { quantity, tokens, costUsd, model, provider, serviceTier } = request
  const isMeasured = (quantity ?? tokens ?? costUsd ?? model ?? provider ?? serviceTier) !== undefined
  const isForMeter = request.meter !== undefined
  if ((request.amount === undefined) !== isForMeter || (isMeasured && !isForMeter)) {
    throw new BillingError(
      'invalid_request',
      'Give either an amount of Sparks, or a meter with a quantity, tokens or a cost.',
    )
  }
  const { usage, refusal } = ratedOr<HoldCommand['usage']>({ ...unrated, meter: null }, () =>
    request.meter === undefined
      ? { meter: null, quantity: 0n, sparks: request.amount ?? 0n, costUsd: null }
      : rate(ctx.catalog, request.meter, request, ctx.environment.now()),
  )
  const { ttlMs, reason } = request
  const dimensions = dimensionsOf(request)
  const named = keyed(ctx, operation, 'hld', request, body)
  const { result } = await submit(ctx, {
    kind: 'hold',
    ...named,
    refusal,
    usage,
    ttlMs,
    reason,
    dimensions,
    budgets: scopesOf(dimensions, ctx.catalog.budgetDimensions),
  })
  invariant(result.kind === 'hold', 'a hold answered another result')
  const taken = { id: named.id, meter: usage.meter, quantity: usage.quantity, dimensions }
  return { hold: holdView(result), taken: result.id === named.id ? taken : null }
}

function isTtl(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= leastTtlMs && value <= mostTtlMs
}

/** Which hold lasts longer, and what it reserves in addition: Sparks (`amount`), or of a hold on a meter usage at its most. */
export interface ExtendInput extends MeasureInput {
  readonly accountId: string
  readonly holdId: string
  /** How long it lasts from now, by the store's clock, and never shorter than it did; default 15 minutes, at most 30 days. */
  readonly ttlMs?: number
  /** Sparks to reserve in addition, for a hold without a meter. */
  readonly amount?: SparksInput
  readonly idempotencyKey: string
}

const extendSchema = z.strictObject({
  accountId,
  holdId: idField('holdId'),
  ttlMs,
  amount: z
    .unknown()
    .transform((value) => readSparks(value))
    .optional(),
  ...measureFields,
  idempotencyKey,
})

/**
 * Gives a hold more time, and reserves more for it where that is asked for; when there is not enough the hold stays as it was.
 * Idempotent by `idempotencyKey`.
 *
 * @throws BillingError `not_found`, `invalid_state` (captured, released or expired already, or suspended), `insufficient_credits`,
 * `quota_exceeded`, `invalid_request`, `idempotency_conflict`, and for input as `hold`
 * @see docs/credits.md#holds
 */
export async function extend(ctx: BillingContext, input: ExtendInput): Promise<HoldView> {
  const request = parse(extendSchema, input)
  const { idempotencyKey: _, ...body } = request
  const { holdId } = request
  const open = await findHold(ctx, request.accountId, holdId)
  const { usage: more, refusal } = ratedOr<ExtendCommand['more']>(null, () => moreOf(ctx, open, request))
  const { result } = await submit(ctx, {
    kind: 'extend',
    ...keyed(ctx, 'extend', 'ent', request, body),
    refusal,
    holdId,
    ttlMs: request.ttlMs,
    more,
  })
  invariant(result.kind === 'hold', 'an extension answered another result')
  return holdView(result)
}

function moreOf(ctx: BillingContext, open: Hold, request: z.output<typeof extendSchema>): ExtendCommand['more'] {
  const { amount, quantity, tokens, costUsd, model, provider, serviceTier } = request
  const isMeasured = (quantity ?? tokens ?? costUsd ?? model ?? provider ?? serviceTier) !== undefined
  if (open.meter === null) {
    if (isMeasured)
      throw new BillingError('invalid_request', `Hold ${open.id} names no meter: extend it by an amount of Sparks.`)
    return amount === undefined ? null : { quantity: 0n, sparks: amount, costUsd: null }
  }
  if (amount !== undefined) {
    const message = `Hold ${open.id} is for ${open.meter}: extend it by a quantity, tokens or a cost.`
    throw new BillingError('invalid_request', message)
  }
  return isMeasured ? rate(ctx.catalog, open.meter, request, ctx.environment.now(), open.dimensions) : null
}

/** What to take out of a hold. */
export interface CaptureInput extends MeasureInput {
  readonly accountId: string
  readonly holdId: string
  /** Sparks to take, for a hold without a meter; 0 takes nothing and gives all of it back. Default: all of it. */
  readonly amount?: SparksInput
  /** What happens to what exceeds the hold: taken all the same (default), borne by the house, or refused with `amount_out_of_range`. */
  readonly onExcess?: 'debt' | 'write_off' | 'refuse'
  /** Facts that are known only now, of usage of a meter; those of the hold stay, and none may have budgets. */
  readonly dimensions?: Readonly<Record<string, string>>
  readonly idempotencyKey: string
}

/** What a capture took, in micro-sparks, and the usage it recorded when the hold names a meter. */
export interface Captured {
  readonly holdId: string
  readonly status: 'recorded' | 'duplicate'
  readonly captured: MicroSparks
  readonly usage: RecordedUsage | null
}

const captureSchema = z.strictObject({
  accountId,
  holdId: idField('holdId'),
  amount: z
    .unknown()
    .transform((value) => readSparks(value, 'zero'))
    .optional(),
  ...measureFieldsFromZero,
  onExcess: z.enum(['debt', 'write_off', 'refuse']).default('debt'),
  dimensions: z
    .unknown()
    .transform((value) => readDimensions(value))
    .optional(),
  idempotencyKey,
})

export const parseCapture = plainly(captureSchema, {
  readers: {
    ...measureFromZero,
    amount: (value) => readSparks(value, 'zero'),
    onExcess: oneOf('debt', 'write_off', 'refuse'),
  },
  required: ['accountId', 'holdId', 'idempotencyKey'],
  defaults: { onExcess: 'debt' },
})

/**
 * Takes all or part of a hold and gives back the rest. A hold on a meter is captured by what was really used, and that is recorded
 * as usage.
 *
 * @throws BillingError `not_found`, `invalid_state` (captured, released or expired already; or the catalog has its meter no longer, and it
 * stays open), `invalid_amount`, `amount_out_of_range`,
 * `invalid_request`, `idempotency_conflict`
 */
export async function capture(ctx: BillingContext, input: CaptureInput): Promise<Captured> {
  const request = parseCapture(input)
  return captureOf(ctx, request, await findHold(ctx, request.accountId, request.holdId))
}

/** The same of a hold that is known, without looking for it. */
export async function captureKnown(ctx: BillingContext, input: CaptureInput, open: HeldFor): Promise<Captured> {
  return captureOf(ctx, parseCapture(input), open)
}

async function captureOf(
  ctx: BillingContext,
  request: z.output<typeof captureSchema>,
  open: HeldFor,
): Promise<Captured> {
  const { idempotencyKey: _, ...body } = request
  const { holdId, onExcess } = request
  const measured = request.quantity ?? request.tokens ?? request.costUsd
  if (open.meter === null) {
    if ((measured ?? request.model ?? request.provider ?? request.serviceTier ?? request.dimensions) !== undefined)
      throw new BillingError('invalid_request', `Hold ${holdId} names no meter: capture an amount of Sparks.`)
    const command = {
      kind: 'capture',
      ...keyed(ctx, 'capture', 'ent', request, body),
      holdId,
      amount: request.amount ?? null,
      onExcess,
      budgets: scopesOf(open.dimensions, ctx.catalog.budgetDimensions),
    } as const
    const { status, result } = await submit(ctx, command)
    invariant(result.kind === 'entry', 'a capture answered another result')
    return { holdId, status: status === 'applied' ? 'recorded' : status, captured: -result.amount, usage: null }
  }
  if (request.amount !== undefined) {
    throw new BillingError(
      'invalid_request',
      `Hold ${holdId} is for ${open.meter}: capture a quantity, tokens or a cost.`,
    )
  }
  const measure = measured === undefined ? { quantity: open.quantity, model: request.model } : request
  const late = Object.keys(request.dimensions ?? {}).find((name) => ctx.catalog.budgetDimensions.includes(name))
  if (late !== undefined)
    throw new BillingError('invalid_request', `Dimension ${late} has budgets: give it to the hold.`)
  const held = { ...open, dimensions: { ...request.dimensions, ...open.dimensions } }
  const rated = ratedOr(unrated, () => rateHeld(ctx, held, { ...measure, allowsZero: true }))
  const usage = await recorded(ctx, {
    kind: 'usage',
    ...keyed(ctx, 'capture', 'use', request, body),
    ...rated,
    occurredAt: null,
    onInsufficient: 'record',
    holdId,
    keepsHold: false,
    onExcess,
    budgets: scopesOf(open.dimensions, ctx.catalog.budgetDimensions),
  })
  const captured = (usage.settledBy.credits ?? 0n) + (usage.settledBy.debt ?? 0n)
  return { holdId, status: usage.status, captured, usage }
}

/**
 * What a hold is captured for costs what it costs now. Of a meter that the catalog has no longer there is no price, nor what plans include
 * of it: the hold stays for a process that has it.
 */
function rateHeld(ctx: BillingContext, { id, meter, dimensions }: HeldFor, measure: Measure): RatedUsage {
  if (meter !== null && ctx.catalog.meters.has(meter))
    return rate(ctx.catalog, meter, measure, ctx.environment.now(), dimensions)
  const message = `Hold ${id} is for ${meter}, which the catalog has no longer: capture it with a catalog that has it, or release it.`
  throw new BillingError('invalid_state', message, { details: { holdId: id, meter } })
}

/** What was rated, or what is refused unless its key was answered before. */
function ratedOr<T>(without: T, action: () => T): { readonly usage: T; readonly refusal: Refusal | undefined } {
  try {
    return { usage: action(), refusal: undefined }
  } catch (error) {
    return { usage: without, refusal: refusalOf(error) }
  }
}

const releaseSchema = z.strictObject({ accountId, holdId: idField('holdId'), idempotencyKey })

/**
 * Gives a hold back.
 *
 * @throws BillingError `not_found`, `invalid_state` (captured, released or expired already), `idempotency_conflict`
 */
export async function release(
  ctx: BillingContext,
  input: { readonly accountId: string; readonly holdId: string; readonly idempotencyKey: string },
): Promise<HoldView> {
  const request = parse(releaseSchema, input)
  const command = {
    kind: 'release',
    ...keyed(ctx, 'release', 'ent', request, { holdId: request.holdId }),
    holdId: request.holdId,
  } as const
  const { result } = await submit(ctx, command)
  invariant(result.kind === 'hold', 'a release answered another result')
  return holdView(result)
}

export async function findHold(ctx: BillingContext, account: string, holdId: string): Promise<Hold> {
  const found = await ctx.store.ledger.hold(account, holdId)
  if (found) return found
  throw new BillingError('not_found', `No hold ${holdId} on account ${account}.`, { details: { holdId } })
}

function holdView({ id, status, meter, quantity, sparks, captured, expiresAt }: HoldResult): HoldView {
  return { id, status, meter, quantity: formatQuantity(quantity), sparks, captured, expiresAt: new Date(expiresAt) }
}
