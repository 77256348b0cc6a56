import * as z from 'zod'
import type { BillingContext } from '../context.js'
import { checkRedirect } from '../domain/redirect.js'
import { BillingError } from '../errors.js'
import type { PortalFlow } from '../ports/capabilities/portal.js'
import { type AnyProvider, requireCapability } from '../ports/provider.js'
import { accountId, given, parse } from './fields.js'
import { isOngoing } from './slot.js'
import { requireAccount } from './steps.js'

/** Whom the page is for, where it leads back to, and what it opens with. */
export interface CreatePortalInput {
  readonly accountId: string
  /** Where the customer returns: a path, or an address at an allowed origin. */
  readonly returnUrl: string
  /** The one thing the page is for; without one it offers everything. The last two are about the account's subscription. */
  readonly flow?: 'update_payment_method' | 'cancel_subscription' | 'change_subscription'
}

const portalSchema = z.strictObject({
  accountId,
  returnUrl: given('returnUrl'),
  flow: z.enum(['update_payment_method', 'cancel_subscription', 'change_subscription']).optional(),
})

/**
 * Creates a hosted page on which the customer manages payment methods and subscriptions.
 *
 * @throws BillingError `not_found` (account, or a subscription for the flow), `invalid_state` (nothing was bought yet, so the provider
 * knows no customer), `redirect_not_allowed`, `option_unsupported`
 */
export async function createPortal(ctx: BillingContext, input: CreatePortalInput): Promise<{ readonly url: string }> {
  const request = parse(portalSchema, input)
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
  const flow = request.flow === undefined ? null : await flowOf(provider, customerId, request.flow)
  return provider.portal.create({ customerId, returnUrl, flow }, {})
}

async function flowOf(
  provider: AnyProvider,
  customerId: string,
  kind: NonNullable<CreatePortalInput['flow']>,
): Promise<PortalFlow> {
  if (kind === 'update_payment_method') return { kind }
  const subscriptions = await requireCapability(provider, 'subscriptions').list(customerId, {})
  const ongoing = subscriptions.find(isOngoing)
  if (ongoing) return { kind, subscriptionId: ongoing.externalId }
  throw new BillingError('not_found', 'The account has no subscription: create a checkout for one.')
}
