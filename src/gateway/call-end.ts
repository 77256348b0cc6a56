import { GatewayError } from './gateway-error.js'

/** An answer whose usage was reported. */
export interface Answered<T = Response> {
  /** Called when it is paid for, or could not be. @returns what is handed over, if nothing was yet */
  settled(error: GatewayError | null): T
}

/** Why a call ends before its answer does. */
export const clientGone = new GatewayError(499, 'client_closed_request', 'The client went away.')
export const timedOut = new GatewayError(504, 'upstream_timeout', 'The model took too long.')
