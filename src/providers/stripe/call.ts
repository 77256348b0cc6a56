import type Stripe from 'stripe'
import type * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { createCircuitBreaker } from './circuit-breaker.js'
import { type StripeFaultKind, stripeFault, toBillingError } from './errors.js'
import { createPace, type DoorClock, type Pace, systemClock } from './pace.js'
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

const maximumTries = 4
/** A caller waits no longer than this for another try. */
const patienceMs = 8_000
const firstWaitMs = 250

export function stripeCall(
  client: Stripe,
  limits: StripeLimits = defaultLimits,
  clock: DoorClock = systemClock,
): StripeCall {
  const breaker = createCircuitBreaker(clock)
  const requests = createPace(limits.requestsPerSecond, clock)
  const events = createPace(limits.meterEventsPerSecond, clock)

  const once = async <Answer>(pace: Pace, options: CallOptions, send: Send<Answer>, isWrite: boolean) => {
    const { idempotencyKey, signal } = options
    refuseAborted(signal)
    breaker.enter()
    const place = pace.take(signal)
    if (place !== true && !(await place)) refuseAborted(signal)
    const request = isWrite && idempotencyKey !== undefined ? { idempotencyKey } : {}
    try {
      // The SDK takes no signal, so an aborted call is left to run out by itself: nobody knows what became of it.
      const answer = await untilAborted(send(client, request), signal)
      breaker.answered()
      return answer
    } catch (error) {
      const { kind } = stripeFault(error)
      if (kind === 'lost' || kind === 'not_sent') breaker.failed()
      else breaker.answered()
      throw toBillingError(error, isWrite ? 'write' : 'read')
    }
  }

  const through = async <Answer>(isWrite: boolean, options: CallOptions, send: Send<Answer>): Promise<Answer> => {
    const startedAt = clock.now()
    for (let tries = 1; ; tries += 1) {
      try {
        return await once(requests, options, send, isWrite)
      } catch (error) {
        const waitMs = tries < maximumTries ? waitBefore(tries, error, clock.random()) : null
        if (waitMs === null || clock.now() - startedAt + waitMs > patienceMs) throw error
        await clock.sleep(waitMs, options.signal)
      }
    }
  }

  return {
    read: (options, send) => through(false, options, send),
    write: (options, send) => through(true, options, send),
    report: (options, send) => once(events, options, send, true),
    async create(options, send) {
      if (options.idempotencyKey) return through(true, options, send)
      throw new BillingError(
        'idempotency_key_required',
        'Stripe creates something twice when it is asked twice: give a key.',
      )
    },
  }
}

/** Kinds of failure after which nothing has happened: trying again is as safe as trying was. */
const harmless: ReadonlySet<unknown> = new Set<StripeFaultKind>(['rate_limited', 'busy', 'not_sent'])

/** How long to wait before the next try: full jitter over a doubling time, and at least what Stripe asked for; `null` for no other try. */
function waitBefore(tries: number, error: unknown, chance: number): number | null {
  if (!BillingError.is(error) || !harmless.has(error.details.reason)) return null
  const asked = Number(error.details.retryAfterMs ?? 0)
  return Math.max(asked, chance * firstWaitMs * 2 ** tries)
}

/** What is left of the options for a call beside the one that the key is for: under one key Stripe takes one request. */
export function withoutKey({ signal }: CallOptions): CallOptions {
  return signal === undefined ? {} : { signal }
}

/**
 * The fields we use of an answer; the rest is tolerated.
 *
 * @throws BillingError `provider_response_invalid`; its outcome is `unknown`, since an answer came and may follow an effect
 */
export function parseAnswer<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BillingError('provider_response_invalid', 'Stripe answered in a shape that is not understood.', {
    details: { provider: 'stripe', path: issue?.path.join('.') ?? '', problem: issue?.message ?? '' },
    outcome: 'unknown',
  })
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  throw new BillingError('provider_timeout', 'Nothing was sent to Stripe: the call was aborted before.', {
    cause: signal.reason,
  })
}
