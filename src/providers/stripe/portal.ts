import * as z from 'zod'
import type { PortalCapability } from '../../core/ports/capabilities/portal.js'
import { parseAnswer, type StripeCall } from './call.js'

const portalSessionSchema = z.object({ url: z.url() })

/**
 * Links to the customer portal, which live for minutes: make one when it is clicked. The portal must have been configured once
 * in the Dashboard.
 *
 * @see https://docs.stripe.com/customer-management/integrate-customer-portal
 */
export function stripePortal(call: StripeCall): PortalCapability {
  return {
    async create({ customerId, returnUrl }, options) {
      // A second link does no harm, so this may go without a key.
      const answer = await call.write(options, (client, request) =>
        client.billingPortal.sessions.create({ customer: customerId, return_url: returnUrl }, request),
      )
      return { url: parseAnswer(portalSessionSchema, answer).url }
    },
  }
}
