import * as z from 'zod'
import type { Catalog, MeterName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import { type AttributionInput, attributionFields } from './attribution.js'
import { accountId, copyOf, idempotencyKey, meterName, readDimensions } from './fields.js'
import { captureKnown, findHold, type HeldFor, type HoldInput, release, takeHold } from './holds.js'
import { checkLeave, type LeaseToken, leaseTokenField } from './lease-token.js'
import { type MeasureInput, measureFieldsFromZero } from './measure.js'
import { measureFromZero, noDimensions, plainly } from './plain-input.js'
import { rate } from './rate.js'
import { type RecordedUsage, type RecordUsageInput, recordUsage } from './usage.js'

/** Work that is metered: for whom, on which meter, and what it may come to. */
export interface MeterInput<C extends Catalog = Catalog> extends AttributionInput {
  readonly accountId: string
  readonly meter: MeterName<C>
  /** What the work uses at most; that much is held while it runs. */
  readonly estimate: MeasureInput
  /** How long the work may take before its hold is over; default 15 minutes. */
  readonly ttlMs?: number
  /** Kept with its hold, and told by `hold.expired` should the process that works be gone. */
  readonly reason?: string
  /**
   * Leave that a lease gave for it, which is used in place of a hold: the ledger is not asked before the work. A repeat of the key then
   * runs its work again, and is charged once.
   */
  readonly leaseToken?: LeaseToken
  readonly idempotencyKey: string
}

/** What the work used, with facts that are known only when it is done. */
export interface ReportedUsage extends MeasureInput {
  readonly dimensions?: Readonly<Record<string, string>>
}

/** What the work is given. */
export interface MeteredWork {
  /** Says what was used so far, in all: what is captured when the work fails or is aborted. The last word counts. */
  report(usage: ReportedUsage): void
}

/** What the work answered, and what was recorded of it. */
export interface Metered<T> {
  readonly result: T
  readonly usage: RecordedUsage | null
}

const meterSchema = z.strictObject({
  accountId,
  meter: meterName,
  estimate: z.unknown(),
  ttlMs: z.unknown().optional(),
  reason: z.unknown().optional(),
  leaseToken: leaseTokenField,
  ...attributionFields,
  idempotencyKey,
})

const asGiven = (value: unknown) => value
const parseMeter = plainly(meterSchema, {
  readers: { estimate: asGiven, reason: asGiven, ttlMs: asGiven },
  required: ['accountId', 'estimate', 'idempotencyKey', 'meter'],
  defaults: { dimensions: noDimensions },
})

/**
 * Runs work between a hold and its capture: holds what it may use, runs it, and records what it used. Work that fails or is aborted is
 * charged for what it reported until then, and its error is thrown; with nothing reported the hold is given back. Work that succeeds
 * without a report is charged its estimate.
 *
 * Without a `leaseToken` work runs behind a hold of its own and never otherwise, so that a key runs it at most once for what it is charged: a repeat is refused
 * while the first runs and after it was charged. Where the first gave its hold back, having failed with nothing reported, a repeat is a
 * new attempt.
 *
 * @throws BillingError as `hold` and `capture` do; `idempotency_in_progress` (work of this key has not ended), `invalid_state` (it has,
 * and was charged or never settled); and whatever the work throws. `report` throws for a measure that could not be charged.
 * @example
 * const { result } = await billing.meter({ accountId, meter: 'ai_tokens', estimate: { quantity: 4000 }, idempotencyKey }, async ({ report }) => {
 *   const answer = await model.complete(prompt)
 *   report({ quantity: answer.usage.total_tokens })
 *   return answer
 * })
 * @see docs/credits.md#metered-work
 */
export async function meter<C extends Catalog, T>(
  ctx: BillingContext,
  input: MeterInput<C>,
  work: (work: MeteredWork) => Promise<T>,
): Promise<Metered<T>> {
  const copy = copyOf(input)
  const request = parseMeter(copy)
  const { estimate: asked, ttlMs, reason, leaseToken: _token, ...rest } = copy
  const { leaseToken } = request
  if (leaseToken) checkLeave(leaseToken, request.accountId)
  const estimate = copyOf(asked)
  const lasting = { ...(ttlMs !== undefined && { ttlMs }), ...(reason !== undefined && { reason }) }
  const record = (used: ReportedUsage, more: object): Promise<RecordedUsage> => {
    const dimensions = { ...used.dimensions, ...rest.dimensions }
    return recordUsage<C>(ctx, { ...used, ...rest, ...more, dimensions } as RecordUsageInput<C>)
  }
  const backing = leaseToken
    ? leased(leaseToken, record)
    : held(ctx, request, await holdOf(ctx, { ...estimate, ...rest, ...lasting } as HoldInput<C>), record)
  let used: Used | null = null
  const settle = async (): Promise<RecordedUsage | null> => {
    if (used !== null) return backing.charge(used)
    await backing.giveBack()
    return null
  }
  let result: T
  try {
    result = await work({
      report(usage) {
        used = usedOf(ctx, request.meter, usage)
      },
    })
  } catch (error) {
    // The work's error is what its caller has to see; what cannot be settled now ends with the hold's time.
    await settle().catch((cause: unknown) => ctx.environment.onError(cause, `hold ${backing.holdId} of metered work`))
    throw error
  }
  used ??= usedOf(ctx, request.meter, estimate)
  return { result, usage: await settle() }
}

/** What work used, and whether that comes to anything. */
interface Used {
  readonly usage: ReportedUsage
  readonly isNothing: boolean
}

/** What was set aside for work, until that is settled. */
interface Backing {
  readonly holdId: string
  charge(used: Used): Promise<RecordedUsage | null>
  giveBack(): Promise<void>
}

type RecordWork = (used: ReportedUsage, more: object) => Promise<RecordedUsage>

function held(
  ctx: BillingContext,
  { accountId, idempotencyKey }: { readonly accountId: string; readonly idempotencyKey: string },
  hold: HeldFor,
  record: RecordWork,
): Backing {
  const holdId = hold.id
  const own = { accountId, holdId }
  return {
    holdId,
    async charge({ usage }) {
      try {
        return (await captureKnown(ctx, { ...usage, ...own, idempotencyKey }, hold)).usage
      } catch (error) {
        // The work took longer than its hold lasts: what it used has happened all the same.
        if (!BillingError.is(error) || error.code !== 'invalid_state') throw error
        return record(usage, {})
      }
    },
    async giveBack() {
      // Each attempt gives back its own hold.
      await release(ctx, { ...own, idempotencyKey: holdId })
    },
  }
}

function leased(leaseToken: LeaseToken, record: RecordWork): Backing {
  const giveBack = async () => leaseToken.cancel()
  return {
    holdId: leaseToken.holdId,
    async charge({ usage, isNothing }) {
      if (!isNothing) return record(usage, { leaseToken })
      await giveBack()
      return null
    },
    giveBack,
  }
}

/** A hold that work of this key may run behind. */
async function holdOf<C extends Catalog>(ctx: BillingContext, input: HoldInput<C>): Promise<HeldFor> {
  for (let attempt = 1; ; attempt += 1) {
    const { hold, taken } = await takeHold(ctx, input, attempt === 1 ? 'hold' : `hold ${attempt}`)
    if (taken) return taken
    const { id, status, expiresAt } = await findHold(ctx, input.accountId, hold.id)
    if (status === 'released') continue
    const details = { accountId: input.accountId, idempotencyKey: input.idempotencyKey, holdId: id, status }
    if (status === 'open' && expiresAt > ctx.environment.now()) {
      const message = `Metered work of key ${input.idempotencyKey} is running (hold ${id}): wait for it.`
      throw new BillingError('idempotency_in_progress', message, { details })
    }
    const what = status === 'captured' ? 'was charged' : 'was not settled in time, and may have run'
    const message = `Metered work of key ${input.idempotencyKey} ${what} (hold ${id}): run it again under a new key.`
    throw new BillingError('invalid_state', message, { details })
  }
}

const parseMeasure = plainly(z.strictObject(measureFieldsFromZero), { readers: measureFromZero, required: [] })

/** What work says it used; refuses at once what could not be captured afterwards, when the work was done. */
function usedOf(ctx: BillingContext, meter: string, reported: ReportedUsage): Used {
  const usage = copyOf(reported)
  const { dimensions, ...given } = usage
  if (dimensions !== undefined) readDimensions(dimensions)
  const measure = parseMeasure(given)
  const { quantity, sparks } = rate(ctx.catalog, meter, { ...measure, allowsZero: true }, ctx.environment.now())
  return { usage, isNothing: quantity === 0n && sparks === 0n }
}
