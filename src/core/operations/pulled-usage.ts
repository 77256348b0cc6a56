import type { CatalogData } from '../domain/catalog.js'
import { decimal, divide, formatDecimal, normalize, tenTo } from '../domain/decimal.js'
import type { TraceObservation } from '../ports/capabilities/traces.js'
import type { PullRules } from '../pull-config.js'

/** Usage that an observation comes to, as it is told to `recordUsage`. */
export interface PulledMeasure {
  readonly meter: string
  readonly quantity?: string
  readonly tokens?: Readonly<Record<string, number>>
  readonly model?: string
  readonly costUsd?: string
}

/** The parts of an observation that are usage each for themselves: what it did, and the time the whole of it took. */
export const pulledParts = ['work', 'time'] as const
export type PulledPart = (typeof pulledParts)[number]

/** What an observation comes to; `null` where a part of it is no usage, or none yet. */
export type PulledUsage = Readonly<Record<PulledPart, PulledMeasure | null>> & {
  /** Whether a call of a model is left out, since who made it brought keys of their own. */
  readonly isByo: boolean
}

/** Why an observation is no usage: it is an event of ours, it goes on still, no meter is told of it. */
export type PullSkip = 'own' | 'unfinished' | 'unmetered'

/**
 * What an observation comes to by the rules. What we wrote ourselves carries our usage id, and is none. Who brings keys of their own
 * pays for no model: the call is none, and the time is.
 */
export function pulledUsage(
  observation: TraceObservation,
  rules: PullRules,
  catalog: Pick<CatalogData, 'meters'>,
): PulledUsage | PullSkip {
  const { metadata, endedAt, isGeneration, parentId, model } = observation
  if (metadata.billfold_usage_id !== undefined) return 'own'
  const named = metadata.billfold_meter ?? metadata.meter
  const meter = named ?? (isGeneration ? rules.generations : null)
  const timed = parentId === null && rules.compute !== meter ? rules.compute : null
  if (meter === null && timed === null) return 'unmetered'
  if (endedAt === null) return 'unfinished'
  const isByo =
    (isGeneration || model !== null) && (metadata.billfold_billing_status ?? metadata.billing_status) === 'byo'
  return {
    work: meter === null || isByo ? null : workOf(observation, meter, catalog),
    time: timed === null ? null : minutesOf(observation, timed, catalog),
    isByo,
  }
}

/** By the quantity that its metadata says, else by its tokens and cost, else by its time. */
function workOf(
  observation: TraceObservation,
  meter: string,
  catalog: Pick<CatalogData, 'meters'>,
): PulledMeasure | null {
  const { metadata, isGeneration, tokens, model, costUsd } = observation
  const priced = { ...(model === null ? {} : { model }), ...(costUsd === null ? {} : { costUsd }) }
  const quantity = metadata.billfold_quantity ?? metadata.quantity
  if (quantity !== undefined) return isNothing(quantity) && isNothing(costUsd) ? null : { meter, quantity, ...priced }
  if (Object.values(tokens).some((count) => count > 0)) return { meter, tokens, ...priced }
  if (isGeneration || !isNothing(costUsd)) return isNothing(costUsd) ? null : { meter, ...priced }
  return minutesOf(observation, meter, catalog)
}

/** As many minutes as it took, to the decimals that the meter counts, half to even. */
function minutesOf(
  { latencySeconds }: TraceObservation,
  meter: string,
  catalog: Pick<CatalogData, 'meters'>,
): PulledMeasure | null {
  if (latencySeconds === null) return null
  const { coefficient, scale } = decimal(latencySeconds)
  const decimals = catalog.meters.get(meter)?.decimals ?? 0
  const units = divide(coefficient * tenTo(decimals), 60n * tenTo(scale), 'half_even')
  return units <= 0n ? null : { meter, quantity: formatDecimal(normalize(units, decimals)) }
}

function isNothing(amount: string | null): boolean {
  return amount === null || /^0*(\.0*)?$/.test(amount)
}
