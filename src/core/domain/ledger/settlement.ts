import type { MicroSparks } from '../sparks.js'
import type { UsageCommand } from './command.js'
import type { Draft } from './draft.js'
import type { Coverage } from './entitlement.js'
import type { Refusal, SettledBy } from './outcome.js'
import { refused } from './posting.js'
import type { Hold } from './state.js'

/** Splits what usage costs over those who pay, and says how much of it leaves the balance. */
export function settle(
  draft: Draft,
  coverage: Coverage,
  hold: Hold | undefined,
  command: UsageCommand,
): { readonly settledBy: SettledBy; readonly fromBalance: MicroSparks } | Refusal {
  const wanted = coverage.credits + coverage.shortfall
  const excess = hold && wanted > hold.sparks ? wanted - hold.sparks : 0n
  if (excess > 0n && command.onExcess === 'refuse') {
    return refused('amount_out_of_range', `This capture is more than hold ${hold?.id} reserved: take a larger hold.`, {
      holdId: hold?.id,
      heldSparks: hold?.sparks,
      requestedSparks: wanted,
    })
  }
  const writtenOff = command.onExcess === 'write_off' ? excess : 0n
  const fromBalance = wanted - writtenOff
  const credits = coverage.credits < fromBalance ? coverage.credits : fromBalance
  return {
    fromBalance,
    settledBy: withoutZeros({
      allowance: coverage.allowance,
      byo: coverage.byo,
      credits,
      [`meter:${draft.rules.collecting}`]: coverage.overage,
      debt: fromBalance - credits,
      written_off: writtenOff,
    }),
  }
}

/** The parts that pay something. */
export function withoutZeros(parts: Readonly<Record<string, bigint>>): SettledBy {
  return Object.fromEntries(Object.entries(parts).filter(([, amount]) => amount !== 0n))
}
