import type { Client } from 'lago-javascript-client'
import type * as z from 'zod'
import type { CallOptions } from '../../core/ports/call-options.js'
import { createDoor, parseProviderAnswer } from '../door/door.js'
import { createPace, type DoorClock, type Pace, systemClock } from '../door/pace.js'
import { lagoFault, lagoName, toBillingError } from './errors.js'

/** The SDK's client, as `Client(apiKey, { baseUrl })` makes it. */
export type LagoClient = ReturnType<typeof Client>

/** Given to the SDK with each call. */
export interface LagoRequest {
  readonly signal: AbortSignal
}

/** What the SDK answers: a response with the body beside it, `null` for one that is empty or no JSON. */
type Send = (client: LagoClient, request: LagoRequest) => Promise<{ readonly data: unknown; readonly error: unknown }>

/**
 * The one door to the SDK, which has neither a timeout nor retries nor keys, and throws raw responses: minds time, the abort signal and
 * Lago's limits, tries again what certainly did not happen, leaves Lago alone while it does not answer, and turns failures into
 * `BillingError`s. Answers the body.
 */
export interface LagoCall {
  read(options: CallOptions, send: Send): Promise<unknown>
  /** A write that does no harm when it is repeated. Lago has no idempotency keys: what is not so by itself must be made so. */
  write(options: CallOptions, send: Send): Promise<unknown>
  /** Usage: sent once, since whoever sends it knows when to send it again. */
  report(options: CallOptions, send: Send): Promise<unknown>
}

/** How much is asked of Lago. Its cloud takes 500 events and 50 other requests a second from an organization. */
export interface LagoLimits {
  readonly requestsPerSecond: number
  readonly eventRequestsPerSecond: number
}

/** Four fifths of what Lago's cloud takes. */
export const defaultLimits: LagoLimits = { requestsPerSecond: 40, eventRequestsPerSecond: 400 }

export const defaultTimeoutMs = 30_000

export function lagoCall(
  client: LagoClient,
  limits: LagoLimits = defaultLimits,
  timeoutMs: number = defaultTimeoutMs,
  clock: DoorClock = systemClock,
): LagoCall {
  const door = createDoor({ ...lagoName, clock, kindOf: (error) => lagoFault(error).kind, toBillingError })
  const requests = createPace(limits.requestsPerSecond, clock)
  const events = createPace(limits.eventRequestsPerSecond, clock)

  const errand = (effect: 'read' | 'write', pace: Pace, send: Send) => ({
    effect,
    pace,
    async send(signal: AbortSignal | undefined) {
      const timeout = AbortSignal.timeout(timeoutMs)
      const { data, error } = await send(client, {
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      // The SDK calls an answer a success whose body was cut off on the way.
      if (data === null && isCutOff(error)) throw error
      return data
    },
  })

  return {
    read: (options, send) => door.patiently(errand('read', requests, send), options),
    write: (options, send) => door.patiently(errand('write', requests, send), options),
    report: (options, send) => door.once(errand('write', events, send), options),
  }
}

/** An empty answer is one too, and leaves a complaint of the JSON parser behind. */
function isCutOff(error: unknown): boolean {
  return error instanceof Error && error.name !== 'SyntaxError'
}

/** The fields we use of an answer. @throws BillingError `provider_response_invalid`, as for an answer without a body */
export function parseAnswer<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  return parseProviderAnswer(lagoName, schema, answer)
}

/** A part of an address. The SDK puts ids into addresses as they are: `a/b` would be another address. */
export function part(id: string): string {
  return encodeURIComponent(id)
}
