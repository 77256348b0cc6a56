import { least, type MicroSparks } from '../sparks.js'
import { type Draft, entryWithCorrections, findGrant } from './draft.js'
import type { LedgerEntry } from './state.js'

/** What was taken of the credits that a row gave, other than by use. */
export interface Taken {
  /** By refunds and disputes of the payment that bought them. */
  readonly refunded: MicroSparks
  /** By reversals of the row. */
  readonly byHand: MicroSparks
  readonly expired: MicroSparks
  /** How much of all this had not been used: it expired, or was taken out of the grant itself and not out of others or as debt. */
  readonly unused: MicroSparks
}

export function takenOf(draft: Draft, entry: LedgerEntry): Taken {
  const { accountId } = entry
  const grantId = entry.burns.find(({ amount }) => amount < 0n)?.grantId
  const expired = (grantId === undefined ? undefined : findGrant(draft, accountId, grantId)?.expired) ?? 0n
  let refunded = 0n
  let byHand = 0n
  let unused = expired
  for (const { id, operation, amount, burns } of entryWithCorrections(draft, entry)) {
    if (id === entry.id) continue
    if (operation === 'refund') refunded -= amount
    else byHand -= amount
    for (const burn of burns) if (burn.grantId === grantId) unused += burn.amount
  }
  return { refunded, byHand, expired, unused }
}

/** How much of the credits that a row gave a reversal can still take. */
export function leftToTake(draft: Draft, entry: LedgerEntry): MicroSparks {
  const { refunded, byHand, expired } = takenOf(draft, entry)
  const left = entry.amount - refunded - byHand - expired
  return left > 0n ? left : 0n
}

/**
 * What refunds are to have taken of credits that were bought, once the payer has `due` of them back.
 *
 * Refunds and reversals by hand each take their own, together no more than was bought. What has expired counts as taken: a refund first
 * takes what nobody had used, and takes used credits (out of other grants, or as debt) only where it is larger than all of that.
 * It makes no difference whether the refund is told before the credits expire or after.
 *
 * @param dueBefore what was due when refunds had taken what they have now
 */
export function refundedOf(
  sparks: MicroSparks,
  due: MicroSparks,
  dueBefore: MicroSparks,
  { refunded, byHand, expired, unused }: Taken,
): MicroSparks {
  const claimed = least(byHand + due, sparks)
  const gone = refunded + byHand + expired
  // What is gone beyond what was claimed by then is what had not been used, also where that was not taken out of the grant itself.
  const idle = gone > least(byHand + dueBefore, sparks) ? gone : unused
  const more = (claimed > idle ? claimed : idle) - byHand - expired
  return least(more > 0n ? more : 0n, claimed > byHand ? claimed - byHand : 0n)
}
