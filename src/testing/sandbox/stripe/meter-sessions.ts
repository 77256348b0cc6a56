import { stripeFailure } from './errors.js'
import { isoTime } from './thin-events.js'
import { newId, type StripeWorld, tableOf } from './world.js'

interface MeterSession {
  readonly id: string
  readonly token: string
  readonly expiresAtMs: number
}

const sessions = tableOf<MeterSession>('meter_event_sessions')
const lifeMs = 15 * 60 * 1000

/** A token for the stream, good for a quarter of an hour. */
export function openMeterSession(world: StripeWorld) {
  const token = newId('mes_token_', 40)
  const session = { id: newId('mes_', 24), token, expiresAtMs: world.now() + lifeMs }
  sessions(world).put(token, session)
  return {
    id: session.id,
    object: 'v2.billing.meter_event_session' as const,
    authentication_token: token,
    created: isoTime(world.now()),
    expires_at: isoTime(session.expiresAtMs),
    livemode: false as const,
  }
}

/** The stream takes session tokens and nothing else. */
export function authorizeStream(world: StripeWorld, token: string): void {
  const session = sessions(world).get(token)
  if (session === undefined) {
    throw stripeFailure(401, { type: 'invalid_request_error', message: 'Invalid meter event session token provided.' })
  }
  if (session.expiresAtMs > world.now()) return
  throw stripeFailure(400, {
    type: 'temporary_session_expired',
    code: 'billing_meter_event_session_expired',
    message: 'The temporary session token has expired.',
  })
}
