import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { CheckoutSession, SetupCheckout } from '../../core/ports/capabilities/checkout.js'
import { withoutKey } from '../door/door.js'
import type { LagoCall } from './call.js'
import { methodsOf } from './payment-methods.js'
import { setupUrl } from './portal.js'

/**
 * A visit to the page on which a payment method is left. Lago keeps nothing of it, so its id says all: for which sale, whose, and which
 * method was the newest then. It is done when a newer one is there.
 */
interface Visit {
  readonly intentId: string
  readonly customerId: string
  /** Id and time of the newest method; `null` when there was none. */
  readonly newest: readonly [id: string, createdAt: string] | null
}

const prefix = 'setup_'
const visitSchema = z.tuple([z.string(), z.string(), z.tuple([z.string(), z.string()]).nullable()])

export function isSetup(externalId: string): boolean {
  return externalId.startsWith(prefix)
}

/** @throws BillingError `option_unsupported` */
export async function openSetup(
  call: LagoCall,
  { intentId, customerId }: SetupCheckout,
  options: CallOptions,
): Promise<CheckoutSession> {
  const [method] = await methodsOf(call, customerId, withoutKey(options))
  const newest = method === undefined ? null : ([method.lago_id, method.created_at] as const)
  const url = await setupUrl(call, customerId, withoutKey(options))
  return session({ intentId, customerId, newest }, { url, paymentMethodId: null })
}

/** @throws BillingError `not_found` */
export async function readSetup(call: LagoCall, externalId: string, options: CallOptions): Promise<CheckoutSession> {
  const visit = visitOf(externalId)
  const { customerId, newest } = visit
  const left = (await methodsOf(call, customerId, options)).find(
    ({ lago_id: id, created_at: at }) => newest === null || (id !== newest[0] && at >= newest[1]),
  )
  return session(visit, { url: null, paymentMethodId: left?.lago_id ?? null })
}

function session(
  { intentId, customerId, newest }: Visit,
  found: Pick<CheckoutSession, 'url' | 'paymentMethodId'>,
): CheckoutSession {
  const text = JSON.stringify([intentId, customerId, newest])
  return {
    externalId: `${prefix}${encode(text)}`,
    intentId,
    customerId,
    status: found.paymentMethodId === null ? 'open' : 'paid',
    subtotal: null,
    amount: null,
    expiresAt: null,
    subscriptionId: null,
    ...found,
  }
}

function visitOf(externalId: string): Visit {
  const parsed = visitSchema.safeParse(decode(externalId.slice(prefix.length)))
  if (!parsed.success) throw new BillingError('not_found', 'There is no such page to leave a payment method.')
  const [intentId, customerId, newest] = parsed.data
  return { intentId, customerId, newest }
}

function encode(text: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(text))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function decode(text: string): unknown {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0))))
  } catch {
    return undefined
  }
}
