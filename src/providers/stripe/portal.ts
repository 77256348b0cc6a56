import type Stripe from 'stripe'
import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { PortalCapability, PortalFlow } from '../../core/ports/capabilities/portal.js'
import { withoutKey } from '../door/door.js'
import { parseAnswer, type StripeCall } from './call.js'
import type { PortalConfigurations } from './portal-configuration.js'

const portalSessionSchema = z.object({ url: z.url() })

/**
 * Links to the customer portal, which live for minutes: make one when it is clicked. The portal must have been configured once
 * in the Dashboard, or by the catalog.
 *
 * @see https://docs.stripe.com/customer-management/integrate-customer-portal
 */
export function stripePortal(call: StripeCall, configurations: PortalConfigurations | null = null): PortalCapability {
  return {
    async create({ customerId, returnUrl, flow }, options) {
      const configuration = (await configurations?.current(withoutKey(options))) ?? null
      const params = {
        customer: customerId,
        ...(configuration === null ? {} : { configuration }),
        return_url: returnUrl,
        ...(flow ? { flow_data: flowOf(flow, returnUrl) } : {}),
      }
      try {
        // A second link does no harm, so this may go without a key.
        const answer = await call.write(options, (client, request) =>
          client.billingPortal.sessions.create(params, request),
        )
        return { url: parseAnswer(portalSessionSchema, answer).url }
      } catch (error) {
        throw notOffered(error, flow)
      }
    },
  }
}

/** What a page may be opened for is chosen in the portal's configuration. */
function notOffered(error: unknown, flow: PortalFlow | null): unknown {
  if (flow === null || !BillingError.is(error) || error.code !== 'provider_rejected') return error
  if (!/portal configuration/i.test(error.message)) return error
  return new BillingError(
    'option_unsupported',
    `The portal does not offer ${flow.kind}: enable it in its configuration.`,
    {
      details: { ...error.details, flow: flow.kind },
      cause: error.cause,
    },
  )
}

/** @see https://docs.stripe.com/customer-management/portal-deep-links */
function flowOf(flow: PortalFlow, returnUrl: string): Stripe.BillingPortal.SessionCreateParams.FlowData {
  const after_completion = { type: 'redirect', redirect: { return_url: returnUrl } } as const
  switch (flow.kind) {
    case 'update_payment_method':
      return { type: 'payment_method_update', after_completion }
    case 'cancel_subscription':
      return {
        type: 'subscription_cancel',
        subscription_cancel: { subscription: flow.subscriptionId },
        after_completion,
      }
    case 'change_subscription':
      return {
        type: 'subscription_update',
        subscription_update: { subscription: flow.subscriptionId },
        after_completion,
      }
  }
}
