import { randomBytes } from 'node:crypto'
import type { Journal, Table } from '../journal.js'

/** What happens to subscriptions whose invoices could not be charged. */
export interface PaymentRecovery {
  /** Days after the first attempt on which Stripe tries again. */
  readonly retryDays: readonly number[]
  /** What becomes of the subscription after the last attempt. */
  readonly afterwards: 'cancel' | 'unpaid' | 'past_due'
}

/** What every part of the Stripe twin works with. */
export interface StripeWorld {
  readonly journal: Journal
  /** Sandbox time in milliseconds. */
  readonly now: () => number
  /** Absolute address of a hosted page. */
  readonly pageUrl: (path: string) => string
  readonly merchantName: string
  /** Whether a meter event nobody can bill is refused at once or accepted and only reported. */
  readonly meterErrors: 'refuse' | 'report'
  /** How long a meter event is on its way until it is counted, or reported. */
  readonly meterDelayMs: number
  readonly recovery: PaymentRecovery
  /** The test clock whose time `now` is; nothing for the sandbox's own. */
  readonly clock: string | null
  /** Sandbox time, also where `now` is that of a test clock or of work that is done late. */
  readonly sandboxNow: () => number
  /** Does what falls due on a test clock up to a moment, each piece at its own time. */
  readonly catchUp: (clock: string, untilMs: number) => void
  /** What follows within the twin once an event of the type has happened. */
  readonly followers: Readonly<Record<string, Follower>>
  /** The API request at work, named in the events it causes; nothing for hosted pages and the clock. */
  cause: { readonly id: string; readonly idempotencyKey: string | null } | undefined
}

/** `object` is what the event is about. */
export type Follower = (world: StripeWorld, object: unknown) => void

/** The same world at another time: work that fell due earlier, or whatever lives on a test clock. */
export function worldAt(world: StripeWorld, nowMs: number, clock: string | null = world.clock): StripeWorld {
  return { ...world, now: () => nowMs, clock }
}

/** Names a table once; the row type belongs to the file of the resource. */
export function tableOf<Row>(name: string): (world: StripeWorld) => Table<Row> {
  return (world) => world.journal.table<Row>(`stripe.${name}`)
}

/** Stripe counts in seconds. */
export function seconds(world: StripeWorld): number {
  return Math.floor(world.now() / 1000)
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

export function newId(prefix: string, length = 24): string {
  let id = prefix
  for (const byte of randomBytes(length)) id += alphabet[byte % alphabet.length]
  return id
}
