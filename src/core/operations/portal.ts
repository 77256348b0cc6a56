import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { checkRedirect } from '../domain/redirect.js'
import { BillingError } from '../errors.js'
import { accountId, given, parse } from './fields.js'
import { requireAccount } from './steps.js'

/**
 * Creates a hosted page on which the customer manages payment methods and subscriptions.
 *
 * @throws BillingError `not_found`, `invalid_state` (nothing was bought yet, so the provider knows no customer), `redirect_not_allowed`
 */
export async function createPortal(
  ctx: BillingContext,
  input: { readonly accountId: string; readonly returnUrl: string },
): Promise<{ readonly url: string }> {
  const request = parse(z.strictObject({ accountId, returnUrl: given('returnUrl') }), input)
  const provider = ctx.roles.portal
  if (!provider) throw new BillingError('capability_missing', 'No provider plays the part of the portal.')
  if (!ctx.origins) throw new BillingError('config_invalid', 'Set redirects.allowedOrigins to use the portal.')
  const returnUrl = checkRedirect(request.returnUrl, ctx.origins, 'returnUrl')
  await requireAccount(ctx, request.accountId)
  const customerId = await ctx.store.accounts.externalId(request.accountId, provider.id)
  if (customerId === null) {
    throw new BillingError(
      'invalid_state',
      `Account ${request.accountId} is not known at ${provider.id} yet: create a checkout first.`,
    )
  }
  return provider.portal.create({ customerId, returnUrl }, {})
}
