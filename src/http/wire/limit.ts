import type { MeterLimit, UsageLimits } from '../../index.js'

/** What S4's numbers say where there is no limit. */
export const noLimit = -1

export function meterLimit(limits: UsageLimits, meter: string): MeterLimit | undefined {
  return limits.meters.find((each) => each.meter === meter)
}

/** How much may be used in a period: -1 for no limit, 0 for a meter that the catalog has not. */
export function limitJson(meter: MeterLimit | undefined): number {
  return meter ? numberOf(meter.limit ?? boundOf(meter)) : 0
}

/** How much is left of it. */
export function remainingJson(meter: MeterLimit | undefined): number {
  if (!meter) return 0
  return limitJson(meter) === noLimit ? noLimit : Number(meter.remaining ?? '0')
}

/** What the plan includes bounds use where nothing else does; a plan that includes nothing has no bound. */
function boundOf({ included }: MeterLimit): string | null {
  return included === 'unlimited' || included === '0' ? null : included
}

function numberOf(text: string | null): number {
  return text === null ? noLimit : Number(text)
}
