import type Stripe from 'stripe'
import type * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { createDoor, parseProviderAnswer } from '../door/door.js'
import { createPace, type DoorClock, type Pace, systemClock } from '../door/pace.js'
import { stripeFault, stripeName, toBillingError } from './errors.js'
import { untilAborted } from './until-aborted.js'

type Send<Answer> = (client: Stripe, request: Stripe.RequestOptions) => Promise<Answer>

/**
 * The one door to the SDK: sets the idempotency key, minds the abort signal and the limits of Stripe, tries again what certainly did not
 * happen, leaves Stripe alone while it does not answer, and turns failures into `BillingError`s.
 */
export interface StripeCall {
  read<Answer>(options: CallOptions, send: Send<Answer>): Promise<Answer>
  /**
   * Creates something that must exist once.
   *
   * @throws BillingError `idempotency_key_required`: without a key the SDK invents one, and a repeat makes a second object
   */
  create<Answer>(options: CallOptions, send: Send<Answer>): Promise<Answer>
  /** A write that does no harm when it is repeated. */
  write<Answer>(options: CallOptions, send: Send<Answer>): Promise<Answer>
  /** A meter event: sent once, since whoever sends it knows when to send it again. */
  report<Answer>(options: CallOptions, send: Send<Answer>): Promise<Answer>
}

/** How much is asked of Stripe. Its own limits are 100 requests a second, 25 in a sandbox, and 1,000 meter events. */
export interface StripeLimits {
  readonly requestsPerSecond: number
  readonly meterEventsPerSecond: number
}

/** Four fifths of what Stripe takes, since other parts of an app ask it too. @see https://docs.stripe.com/rate-limits */
export const defaultLimits: StripeLimits = { requestsPerSecond: 80, meterEventsPerSecond: 800 }

export function stripeCall(
  client: Stripe,
  limits: StripeLimits = defaultLimits,
  clock: DoorClock = systemClock,
): StripeCall {
  const door = createDoor({ ...stripeName, clock, kindOf: (error) => stripeFault(error).kind, toBillingError })
  const requests = createPace(limits.requestsPerSecond, clock)
  const events = createPace(limits.meterEventsPerSecond, clock)

  const errand = <Answer>(
    effect: 'read' | 'write',
    pace: Pace,
    { idempotencyKey }: CallOptions,
    send: Send<Answer>,
  ) => ({
    effect,
    pace,
    send(signal: AbortSignal | undefined) {
      const request = effect === 'write' && idempotencyKey !== undefined ? { idempotencyKey } : {}
      // The SDK takes no signal, so an aborted call is left to run out by itself: nobody knows what became of it.
      return untilAborted(send(client, request), signal)
    },
  })

  return {
    read: (options, send) => door.patiently(errand('read', requests, options, send), options),
    write: (options, send) => door.patiently(errand('write', requests, options, send), options),
    report: (options, send) => door.once(errand('write', events, options, send), options),
    async create(options, send) {
      if (options.idempotencyKey) return door.patiently(errand('write', requests, options, send), options)
      throw new BillingError(
        'idempotency_key_required',
        'Stripe creates something twice when it is asked twice: give a key.',
      )
    },
  }
}

/** The fields we use of an answer. @throws BillingError `provider_response_invalid` */
export function parseAnswer<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  return parseProviderAnswer(stripeName, schema, answer)
}
