import type { MicroSparks } from './sparks.js'

/** What of one payment was taken back by the payer, and what that took back here. */
export interface Payment {
  readonly accountId: string
  /** What was paid for: the sale's id. */
  readonly id: string
  /** The grant it bought; `null` while that is not here yet. */
  readonly grantId: string | null
  readonly sparks: MicroSparks
  readonly paidNanos: bigint
  /** What is known of each refund and dispute, by its id at the provider. */
  readonly facts: Readonly<Record<string, ReversalFact>>
  /** Sparks taken back so far. */
  readonly reversed: MicroSparks
}

/** What the payer has back of a payment, in nanos, by all that is known of it. */
export function takenBack(payment: Pick<Payment, 'facts'> | null): bigint {
  return Object.values(payment?.facts ?? {}).reduce((sum, { nanos }) => sum + nanos, 0n)
}

/** How a refund or dispute stands: absolute, so that it may be told in any order and any number of times. */
export interface ReversalFact {
  /** What the payer has or would get back, in nanos; 0 for a refund that failed or a dispute that was won. */
  readonly nanos: bigint
  /** A later standing has a higher rank; one with a lower rank than what is known is old news. */
  readonly rank: number
}
