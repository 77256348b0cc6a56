import type { Context } from 'hono'
import type { CreatedCheckout } from '../index.js'
import type { AppEnv, Served } from './app.js'
import { part } from './billing.js'
import { idempotencyKeyGiven } from './idempotency-key.js'
import { returnUrlsOf } from './return-urls.js'

/** What is sold. Plans and packages are looked up in the catalog, which is not known by its names here. */
type Sale =
  | { readonly kind: 'credits'; readonly amount: string }
  | { readonly kind: 'lifetime'; readonly plan: never }
  | { readonly kind: 'subscription'; readonly plan: never; readonly seats?: number }
  | { readonly kind: 'setup' }
  | { readonly kind: 'package'; readonly package: never; readonly quantity?: number }

/** A page on which the account pays for something, and comes back to where the request says. */
export function openCheckout(
  served: Served,
  context: Context<AppEnv>,
  addresses: Parameters<typeof returnUrlsOf>[1],
  sale: Sale,
): Promise<CreatedCheckout> {
  const create = part(served.billing, 'createCheckout')
  const { accountId } = context.var
  return create({ accountId, ...sale, ...returnUrlsOf(served, addresses), ...idempotencyKeyGiven(context) })
}
