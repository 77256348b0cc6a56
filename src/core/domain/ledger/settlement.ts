import { formatSparks, type MicroSparks } from '../sparks.js'
import { collectedBy } from './collected-parts.js'
import type { RatedUsage, UsageCommand } from './command.js'
import type { Coverage, Share } from './entitlement.js'
import type { Refusal, SettledBy } from './outcome.js'
import { refused } from './posting.js'
import type { Hold } from './state.js'

/** The part of usage that somebody here pays for; the rest is borne by the house. */
export interface Payable extends Pick<RatedUsage, 'quantity' | 'sparks'> {
  readonly writtenOff: MicroSparks
}

/**
 * What of a capture is to be paid, by whoever pays. It is compared with what the hold was taken for, and not with the credits the hold
 * reserved: allowance and overage bear no excess that was to be refused or written off.
 */
export function payable(
  { onExcess }: Pick<UsageCommand, 'onExcess'>,
  { quantity, sparks }: Pick<RatedUsage, 'quantity' | 'sparks'>,
  hold: Hold | undefined,
): Payable | Refusal {
  const whole = { quantity, sparks, writtenOff: 0n }
  if (!hold) return whole
  const hasMoreUnits = hold.quantity > 0n && quantity > hold.quantity
  if (onExcess === 'refuse' && (hasMoreUnits || sparks > hold.rated)) {
    const held = formatSparks(hold.rated)
    return refused('amount_out_of_range', `This capture is more than hold ${hold.id} was taken for (${held} Sparks).`, {
      holdId: hold.id,
      heldSparks: hold.rated,
      requestedSparks: sparks,
    })
  }
  if (onExcess !== 'write_off' || sparks <= hold.rated) return whole
  return {
    quantity: hasMoreUnits ? hold.quantity : quantity,
    sparks: hold.rated,
    writtenOff: sparks - hold.rated,
  }
}

/** The share of a hold that usage takes: no more than is reserved, and of each part in its own unit. */
export function shareOf(hold: Hold, { quantity, sparks }: Pick<RatedUsage, 'quantity' | 'sparks'>): Share {
  // What lowers the price of its period takes nothing of the hold.
  const least = (reserved: bigint, used: bigint) => (used < 0n ? 0n : reserved < used ? reserved : used)
  const units = least(hold.quantity, quantity)
  return {
    ...hold,
    quantity: units,
    allowance: least(hold.allowance, units),
    sparks: least(hold.sparks, sparks),
    rated: least(hold.rated, sparks),
    budgeted: least(hold.budgeted, sparks),
  }
}

/** Splits what usage costs over those who pay, and says how much of it leaves the balance; `collecting` collects what is overage. */
export function settle(
  { allowance, byo, credits, overage, shortfall }: Coverage,
  writtenOff: MicroSparks,
  collecting: string | null,
): { readonly settledBy: SettledBy; readonly fromBalance: MicroSparks } {
  const settledBy: Record<string, MicroSparks> = {}
  if (allowance !== 0n) settledBy.allowance = allowance
  if (byo !== 0n) settledBy.byo = byo
  if (credits !== 0n) settledBy.credits = credits
  if (overage !== 0n) settledBy[`${collectedBy}${collecting}`] = overage
  if (shortfall !== 0n) settledBy.debt = shortfall
  if (writtenOff !== 0n) settledBy.written_off = writtenOff
  return { fromBalance: credits + shortfall, settledBy }
}

/** The parts that pay something. */
export function withoutZeros(parts: Readonly<Record<string, bigint>>): SettledBy {
  return Object.fromEntries(Object.entries(parts).filter(([, amount]) => amount !== 0n))
}
