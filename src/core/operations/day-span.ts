import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { utcDay } from '../domain/period.js'
import { dayMs } from '../domain/zone.js'
import { BillingError } from '../errors.js'
import { readDay } from './fields.js'

/** Whole UTC days: from `from` (included) to `to` (excluded), as `YYYY-MM-DD`. Default this month until now. */
export interface DaySpanInput {
  readonly from?: string
  readonly to?: string
}

/** Days that were asked for, or the default. */
export interface DaySpan {
  readonly from: string
  readonly to: string
}

const day = (name: string) =>
  z
    .unknown()
    .transform((value) => readDay(value, name))
    .optional()

/** The fields of a span, for the operations that sum. */
export const daySpanFields = { from: day('from'), to: day('to') }

/** Three years: what is asked for in one call has a bound. */
const maximumDays = 1_098

/** @throws BillingError `invalid_range` (reversed, or more than three years) */
export function daySpan(
  ctx: BillingContext,
  request: { readonly from?: string | undefined; readonly to?: string | undefined },
): DaySpan {
  const now = ctx.environment.now()
  const from = request.from ?? `${utcDay(now).slice(0, 8)}01`
  const to = request.to ?? utcDay(now + dayMs)
  if (from >= to) throw new BillingError('invalid_range', 'from must lie before to.', { details: { from, to } })
  if (Date.parse(to) - Date.parse(from) > maximumDays * dayMs)
    throw new BillingError('invalid_range', `At most ${maximumDays} days can be summed at once.`, {
      details: { from, to },
    })
  return { from, to }
}

/** Each day of a span, in order. */
export function daysOf({ from, to }: DaySpan): readonly string[] {
  const first = Date.parse(from)
  const count = (Date.parse(to) - first) / dayMs
  return Array.from({ length: count }, (_, index) => utcDay(first + index * dayMs))
}
