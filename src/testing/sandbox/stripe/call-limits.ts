import { stripeFailure } from './errors.js'
import type { StripeWorld } from './world.js'

/** How much Stripe takes at once. */
export interface CallLimits {
  /** Requests of any kind in a second; default without limit. */
  readonly requestsPerSecond?: number
  /** Single meter events in a second; default without limit (Stripe: 1000 live). */
  readonly meterEventsPerSecond?: number
}

export interface CallGate {
  /** Refuses a call that is one too many; `leave` is called when it is answered. */
  enter(world: StripeWorld, path: string, body: string): { leave(): void }
}

const meterPaths = new Set(['/v1/billing/meter_events', '/v2/billing/meter_events'])

/** Counts calls by the sandbox clock, and lets one call at a time through for each customer and meter. */
export function createCallGate({ requestsPerSecond, meterEventsPerSecond }: CallLimits): CallGate {
  const atWork = new Set<string>()
  const all = counter(requestsPerSecond)
  const events = counter(meterEventsPerSecond)
  return {
    enter(world, path, body) {
      const second = Math.floor(world.now() / 1000)
      if (!all(second)) throw tooMany(path)
      if (!meterPaths.has(path)) return { leave: () => {} }
      if (!events(second)) throw tooMany(path)
      const key = meterAndCustomer(path, body)
      if (atWork.has(key)) throw tooMany(path)
      atWork.add(key)
      return { leave: () => void atWork.delete(key) }
    },
  }
}

function counter(limit = Number.POSITIVE_INFINITY): (second: number) => boolean {
  let current = 0
  let count = 0
  return (second) => {
    if (second !== current) {
      current = second
      count = 0
    }
    count += 1
    return count <= limit
  }
}

function meterAndCustomer(path: string, body: string): string {
  if (path.startsWith('/v1/')) {
    const form = new URLSearchParams(body)
    return `${form.get('event_name')} ${[...form.entries()].find(([name]) => name === 'payload[stripe_customer_id]')?.[1]}`
  }
  try {
    const { event_name: name, payload } = JSON.parse(body) as { event_name?: string; payload?: Record<string, string> }
    return `${name} ${payload?.stripe_customer_id}`
  } catch {
    return body
  }
}

function tooMany(path: string): Error {
  const message =
    'Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.'
  return stripeFailure(
    429,
    path.startsWith('/v2/')
      ? { type: 'rate_limit', code: 'rate_limit', message }
      : { type: 'invalid_request_error', code: 'rate_limit', message },
    { 'retry-after': '1' },
  )
}
