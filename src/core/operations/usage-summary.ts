import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { utcDay } from '../domain/period.js'
import { formatQuantity, type MicroSparks } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import { accountId, parse, readDay } from './fields.js'
import { requireAccount } from './steps.js'

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

const day = (name: string) =>
  z
    .unknown()
    .transform((value) => readDay(value, name))
    .optional()

/** Three years: what is asked for in one call has a bound. */
const maximumDays = 1_098

/**
 * Sums over whole UTC days, from `from` (included) to `to` (excluded); default this month until now.
 *
 * @throws BillingError `not_found`, `invalid_request`, `invalid_timestamp` (no such day), `invalid_range` (reversed, or more than three years)
 */
export async function summarizeUsage(
  ctx: BillingContext,
  input: { readonly accountId: string; readonly from?: string; readonly to?: string },
): Promise<UsageSummary> {
  const request = parse(z.strictObject({ accountId, from: day('from'), to: day('to') }), input)
  await requireAccount(ctx, request.accountId)
  const today = utcDay(ctx.environment.now())
  const from = request.from ?? `${today.slice(0, 8)}01`
  const to = request.to ?? utcDay(ctx.environment.now() + 86_400_000)
  if (from >= to) throw new BillingError('invalid_range', 'from must lie before to.', { details: { from, to } })
  if (Date.parse(to) - Date.parse(from) > maximumDays * 86_400_000)
    throw new BillingError('invalid_range', `At most ${maximumDays} days can be summed at once.`, {
      details: { from, to },
    })
  const rows = await ctx.store.ledger.rollups(request.accountId, { from, to })
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
