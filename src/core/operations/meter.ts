import * as z from 'zod'
import type { Catalog, MeterName } from '../catalog.js'
import type { BillingContext } from '../context.js'
import { BillingError } from '../errors.js'
import { type AttributionInput, attributionFields } from './attribution.js'
import { accountId, idempotencyKey, meterName, parse } from './fields.js'
import { capture, type HoldInput, hold, release } from './holds.js'
import type { MeasureInput } from './measure.js'
import { type RecordedUsage, type RecordUsageInput, recordUsage } from './usage.js'

/** Work that is metered: for whom, on which meter, and what it may come to. */
export interface MeterInput<C extends Catalog = Catalog> extends AttributionInput {
  readonly accountId: string
  readonly meter: MeterName<C>
  /** What the work uses at most; that much is held while it runs. */
  readonly estimate: MeasureInput
  /** How long the work may take before its hold is over; default 15 minutes. */
  readonly ttlMs?: number
  readonly idempotencyKey: string
}

/** What the work is given. */
export interface MeteredWork {
  /** Says what was used so far, in all: what is captured when the work fails or is aborted. The last word counts. */
  report(usage: MeasureInput): void
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
  ...attributionFields,
  idempotencyKey,
})

/**
 * Runs work between a hold and its capture: holds what it may use, runs it, and records what it used. Work that fails or is aborted is
 * charged for what it reported until then, and its error is thrown; with nothing reported the hold is given back. Work that succeeds
 * without a report is charged its estimate.
 *
 * @throws BillingError as `hold` and `capture` do; and whatever the work throws
 * @example
 * const { result } = await billing.meter({ accountId, meter: 'ai_tokens', estimate: { quantity: 4000 }, idempotencyKey }, async ({ report }) => {
 *   const answer = await model.complete(prompt)
 *   report({ quantity: answer.usage.total_tokens })
 *   return answer
 * })
 */
export async function meter<C extends Catalog, T>(
  ctx: BillingContext,
  input: MeterInput<C>,
  work: (work: MeteredWork) => Promise<T>,
): Promise<Metered<T>> {
  const { estimate: _, ...request } = parse(meterSchema, input)
  const { estimate, ttlMs, ...rest } = input
  const { id: holdId } = await hold<C>(ctx, {
    ...estimate,
    ...rest,
    ...(ttlMs === undefined ? {} : { ttlMs }),
  } as HoldInput<C>)
  const own = { accountId: request.accountId, holdId, idempotencyKey: request.idempotencyKey }
  let used: MeasureInput | null = null
  const settle = async (): Promise<RecordedUsage | null> => {
    if (used === null) {
      await release(ctx, own)
      return null
    }
    try {
      return (await capture(ctx, { ...used, ...own })).usage
    } catch (error) {
      // The work took longer than its hold lasts: what it used has happened all the same.
      if (!BillingError.is(error) || error.code !== 'invalid_state') throw error
      return recordUsage<C>(ctx, { ...used, ...rest } as RecordUsageInput<C>)
    }
  }
  let result: T
  try {
    result = await work({
      report(usage) {
        used = usage
      },
    })
  } catch (error) {
    // The work's error is what its caller has to see; what cannot be settled now ends with the hold's time.
    await settle().catch((cause: unknown) => ctx.environment.onError(cause, `hold ${holdId} of metered work`))
    throw error
  }
  used ??= estimate
  return { result, usage: await settle() }
}
