import type { Context } from 'hono'
import type { AppEnv } from './app.js'

/** The caller's `Idempotency-Key`; without one the request is one of its own. */
export function idempotencyKeyOf(context: Context<AppEnv>): string {
  return context.req.header('idempotency-key') ?? `request_${context.var.requestId}`
}

/** The caller's `Idempotency-Key`, where there is one. */
export function idempotencyKeyGiven(context: Context<AppEnv>): { readonly idempotencyKey?: string } {
  const key = context.req.header('idempotency-key')
  return key === undefined ? {} : { idempotencyKey: key }
}
