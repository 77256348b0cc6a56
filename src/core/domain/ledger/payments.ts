import { invariant } from '../../errors.js'
import { divide } from '../decimal.js'
import { type Payment, type ReversalFact, takenBack } from '../payment.js'
import { formatSparks, type MicroSparks } from '../sparks.js'
import type { GrantCommand, ReversePaymentCommand } from './command.js'
import { causeOf, type Draft, entryWithCorrections, findEntry, findPayment, netBurns, setPayment } from './draft.js'
import { dedupeOf } from './key.js'
import type { LedgerOutcome } from './outcome.js'
import { emit, entryResult, post } from './posting.js'
import type { LoadKey } from './state.js'
import { refundedOf, takenOf } from './taken.js'

export function reversePaymentNeeds({ accountId, paymentId }: ReversePaymentCommand): readonly LoadKey[] {
  return [
    { kind: 'account', accountId },
    { kind: 'payment', accountId, paymentId },
  ]
}

/**
 * Takes in how a refund or dispute stands. What is told may come before the grant it is about, in any order, and again: what is known
 * of each source is its highest rank, and what is taken back follows from all that is known.
 */
export function decideReversePayment(draft: Draft, command: ReversePaymentCommand): LedgerOutcome {
  const { accountId, paymentId, source, fact } = command
  const payment = paymentOf(draft, accountId, paymentId)
  const known = Object.hasOwn(payment.facts, source) ? payment.facts[source] : undefined
  if (!known || isNews(known, fact)) setPayment(draft, { ...payment, facts: { ...payment.facts, [source]: fact } })
  takeBack(draft, payment)
  const { reversed } = paymentOf(draft, accountId, paymentId)
  return { status: 'applied', result: { kind: 'payment', reversed } }
}

/** Remembers which grant a payment bought. @returns the payment as it was before */
export function keepPayment(
  draft: Draft,
  { accountId, id: grantId, amount }: GrantCommand,
  paid: NonNullable<GrantCommand['payment']>,
): Payment {
  const payment = paymentOf(draft, accountId, paid.id)
  setPayment(draft, { ...payment, grantId, sparks: amount, paidNanos: paid.nanos })
  return payment
}

/**
 * Makes what was taken back equal to what the payer has back: that share of the credits, never more than were bought, and nothing that a
 * reversal by hand has taken or that has expired (`refundedOf`). Credits that are spent already become debt; a dispute that is won gives
 * back what it took, to where that was taken from.
 *
 * @param before the payment as it was when this was done last
 */
export function takeBack(draft: Draft, before: Payment): void {
  const { accountId, id: paymentId } = before
  const payment = paymentOf(draft, accountId, paymentId)
  const { grantId, sparks } = payment
  if (grantId === null) return
  const given = findEntry(draft, accountId, grantId)
  invariant(given !== undefined, 'the row of a grant that was bought is not there', { grantId })
  const taken = { ...takenOf(draft, given), refunded: payment.reversed }
  const reversed = refundedOf(sparks, dueOf(payment), dueOf(before), taken)
  const more = reversed - payment.reversed
  if (more === 0n) return
  setPayment(draft, { ...payment, reversed })
  const refunds = entryWithCorrections(draft, given).filter(({ operation }) => operation === 'refund')
  const name = `${paymentId}.${causeOf(draft)}`
  const dedupe = dedupeOf(accountId, 'refund', name)
  const command = { accountId, id: `ent_refund.${name}`, key: `refund:${name}`, dedupe, fingerprint: dedupe }
  post(
    draft,
    {
      command,
      operation: 'refund',
      counterAccount: 'refunds',
      amount: -more,
      reason: `payment ${paymentId}`,
      usage: null,
      corrects: grantId,
      takesFirst: grantId,
      givesBack: netBurns(refunds),
    },
    entryResult(command.id, -more),
  )
  const data = { paymentId, grantId, sparks: formatSparks(more) }
  emit(draft, { id: `evt_refund.${name}`, type: 'credit.refunded', accountId, data })
}

/** What of the credits the payer has back in money; nothing while they are not given. */
function dueOf({ grantId, facts, sparks, paidNanos }: Payment): MicroSparks {
  if (grantId === null) return 0n
  const nanos = takenBack({ facts })
  if (nanos >= paidNanos) return nanos > 0n ? sparks : 0n
  return divide(sparks * nanos, paidNanos, 'half_even')
}

/** Of two standings of one rank the larger amount holds, so that the order in which they are told makes no difference. */
function isNews(known: ReversalFact, fact: ReversalFact): boolean {
  return fact.rank > known.rank || (fact.rank === known.rank && fact.nanos > known.nanos)
}

function paymentOf(draft: Draft, accountId: string, id: string): Payment {
  const nothing = { accountId, id, grantId: null, sparks: 0n, paidNanos: 0n, facts: {}, reversed: 0n }
  return findPayment(draft, accountId, id) ?? nothing
}
