import type * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { createCircuitBreaker } from './circuit-breaker.js'
import type { DoorName, FaultKind } from './fault.js'
import type { DoorClock, Pace } from './pace.js'

/** What a door has to know of the provider behind it. */
export interface DoorOptions extends DoorName {
  readonly clock: DoorClock
  /** What went wrong, by whatever the SDK threw. */
  kindOf(error: unknown): FaultKind
  toBillingError(error: unknown, effect: 'read' | 'write'): BillingError
}

/** A piece of work at the provider. */
export interface Errand<Answer> {
  readonly pace: Pace
  readonly effect: 'read' | 'write'
  send(signal: AbortSignal | undefined): Promise<Answer>
}

/**
 * Minds the abort signal and the limits of a provider, tries again what certainly did not happen, leaves the provider alone while it
 * does not answer, and turns failures into `BillingError`s.
 */
export interface Door {
  /** Sends it once. */
  once<Answer>(errand: Errand<Answer>, options: CallOptions): Promise<Answer>
  /** Sends it, and again while nothing has happened and there is patience. */
  patiently<Answer>(errand: Errand<Answer>, options: CallOptions): Promise<Answer>
}

const maximumTries = 4
/** A caller waits no longer than this for another try. */
const patienceMs = 8_000
const firstWaitMs = 250

export function createDoor({ id, name, clock, kindOf, toBillingError }: DoorOptions): Door {
  const breaker = createCircuitBreaker({ id, name }, clock)

  const once = async <Answer>({ pace, effect, send }: Errand<Answer>, { signal }: CallOptions): Promise<Answer> => {
    refuseAborted(name, signal)
    breaker.enter()
    const place = pace.take(signal)
    if (place !== true && !(await place)) refuseAborted(name, signal)
    try {
      const answer = await send(signal)
      breaker.answered()
      return answer
    } catch (error) {
      const kind = kindOf(error)
      if (kind === 'lost' || kind === 'not_sent') breaker.failed()
      else breaker.answered()
      throw toBillingError(error, effect)
    }
  }

  return {
    once,
    async patiently(errand, options) {
      const startedAt = clock.now()
      for (let tries = 1; ; tries += 1) {
        try {
          return await once(errand, options)
        } catch (error) {
          const waitMs = tries < maximumTries ? waitBefore(tries, error, clock.random()) : null
          if (waitMs === null || clock.now() - startedAt + waitMs > patienceMs) throw error
          await clock.sleep(waitMs, options.signal)
        }
      }
    },
  }
}

/** Kinds of failure after which nothing has happened: trying again is as safe as trying was. */
const harmless: ReadonlySet<unknown> = new Set<FaultKind>(['rate_limited', 'busy', 'not_sent'])

/** How long to wait before the next try: full jitter over a doubling time, and at least what was asked for; `null` for no other try. */
function waitBefore(tries: number, error: unknown, chance: number): number | null {
  if (!BillingError.is(error) || !harmless.has(error.details.reason)) return null
  const asked = Number(error.details.retryAfterMs ?? 0)
  return Math.max(asked, chance * firstWaitMs * 2 ** tries)
}

/** What is left of the options for a call beside the one that the key is for: under one key a provider takes one request. */
export function withoutKey({ signal }: CallOptions): CallOptions {
  return signal === undefined ? {} : { signal }
}

/**
 * The fields we use of an answer; the rest is tolerated.
 *
 * @throws BillingError `provider_response_invalid`; its outcome is `unknown`, since an answer came and may follow an effect
 */
export function parseProviderAnswer<Schema extends z.ZodType>(
  { id, name }: DoorName,
  schema: Schema,
  answer: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BillingError('provider_response_invalid', `${name} answered in a shape that is not understood.`, {
    details: { provider: id, path: issue?.path.join('.') ?? '', problem: issue?.message ?? '' },
    outcome: 'unknown',
  })
}

function refuseAborted(name: string, signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  throw new BillingError('provider_timeout', `Nothing was sent to ${name}: the call was aborted before.`, {
    cause: signal.reason,
  })
}
