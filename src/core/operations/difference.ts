import type { Instant } from '../domain/period.js'

/** What can be wrong between the books here and a provider's. */
export const differenceKinds = [
  /** It is there on one side that says it must be on the other, and is not. */
  'missing',
  /** The provider has it, and nothing here asked for it. */
  'extra',
  /** The provider has it at another time, or it came too late to be taken. */
  'late',
  'amount',
  /** The provider has it under another account. */
  'wrong_account',
  'duplicate',
  'status',
  'currency',
] as const

export type DifferenceKind = (typeof differenceKinds)[number]

/** Something that the books here and a provider's do not agree on. */
export interface Difference {
  readonly kind: DifferenceKind
  readonly subject: 'usage' | 'checkout' | 'payment' | 'subscription' | 'customer'
  readonly provider: string
  /** Whose it is; `null` where nobody here knows. */
  readonly accountId: string | null
  /** Our id of a report or checkout, the provider's of a payment, subscription or customer; the meter where usage has no report. */
  readonly id: string
  /** What it is a duplicate of, by an id of the same kind, where one can be named. */
  readonly duplicateOf?: string
  /** What it should be by the side that is right, for people. */
  readonly expected: string
  readonly found: string
  /** When it happened. */
  readonly at: Date
  /** Whether it was put right. */
  readonly isRepaired: boolean
}

/** A difference of a provider, before it is known whose and where. */
export type Finding = Omit<Difference, 'provider' | 'at' | 'isRepaired'> & {
  readonly at: Instant
  readonly isRepaired?: boolean
}
