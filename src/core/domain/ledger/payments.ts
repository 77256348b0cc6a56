import { divide } from '../decimal.js'
import type { Payment, ReversalFact } from '../payment.js'
import { formatSparks, type MicroSparks } from '../sparks.js'
import type { GrantCommand, ReversePaymentCommand } from './command.js'
import { causeOf, type Draft, findPayment, setPayment } from './draft.js'
import { dedupeOf } from './key.js'
import type { LedgerOutcome } from './outcome.js'
import { emit, entryResult, post } from './posting.js'
import type { LoadKey } from './state.js'

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
  takeBack(draft, accountId, paymentId)
  const { reversed } = paymentOf(draft, accountId, paymentId)
  return { status: 'applied', result: { kind: 'payment', reversed } }
}

/** Remembers which grant a payment bought. */
export function keepPayment(draft: Draft, command: GrantCommand, paid: NonNullable<GrantCommand['payment']>): void {
  const payment = paymentOf(draft, command.accountId, paid.id)
  setPayment(draft, { ...payment, grantId: command.id, sparks: command.amount, paidNanos: paid.nanos })
}

/**
 * Makes what was taken back equal to what the payer has back: that share of the credits, never more than were bought. Credits that are
 * spent already become debt; a dispute that is won gives them back.
 */
export function takeBack(draft: Draft, accountId: string, paymentId: string): void {
  const payment = paymentOf(draft, accountId, paymentId)
  const { grantId } = payment
  if (grantId === null) return
  const reversed = reversedSparks(payment)
  const more = reversed - payment.reversed
  if (more === 0n) return
  setPayment(draft, { ...payment, reversed })
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
      takesFirst: grantId,
      givesBack: [{ grantId, amount: -more }],
    },
    entryResult(command.id, -more),
  )
  const data = { paymentId, grantId, sparks: formatSparks(more) }
  emit(draft, { id: `evt_refund.${name}`, type: 'credit.refunded', accountId, data })
}

function reversedSparks({ facts, sparks, paidNanos }: Payment): MicroSparks {
  const nanos = Object.values(facts).reduce((sum, fact) => sum + fact.nanos, 0n)
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
