import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { PortalCapability } from '../../core/ports/capabilities/portal.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { refusalOf } from './errors.js'

const portalSchema = z.object({ customer: z.object({ portal_url: z.url() }) })
const setupSchema = z.object({ customer: z.object({ checkout_url: z.url() }) })

/**
 * Lago's customer portal, by a link that is good for twelve hours; or the payment service's page to leave a payment method. Neither
 * leads back to an address of ours: where a customer goes afterwards is set at the payment service.
 *
 * @see https://docs.getlago.com/guide/customers/customer-portal
 */
export function lagoPortal(call: LagoCall): PortalCapability {
  return {
    /** @throws BillingError `option_unsupported` for changes of a subscription, and where Lago has no payment service for the customer */
    async create({ customerId, flow }, options) {
      if (flow?.kind === 'update_payment_method') return { url: await setupUrl(call, customerId, options) }
      if (flow !== null)
        throw new BillingError('option_unsupported', `Lago's portal has no page to ${flow.kind.replace('_', ' a ')}.`, {
          details: { provider: 'lago', flow: flow.kind },
        })
      const answer = await call.read(options, (client, request) =>
        client.customers.getCustomerPortalUrl(part(customerId), request),
      )
      return { url: parseAnswer(portalSchema, answer).customer.portal_url }
    },
  }
}

/** Where a customer leaves something to pay with. @throws BillingError `option_unsupported` */
export async function setupUrl(call: LagoCall, customerId: string, options: CallOptions): Promise<string> {
  try {
    const answer = await call.write(options, (client, request) =>
      client.customers.generateCustomerCheckoutUrl(part(customerId), request),
    )
    return parseAnswer(setupSchema, answer).customer.checkout_url
  } catch (error) {
    if (!refusalOf(error).includes('no_linked_payment_provider')) throw error
    throw new BillingError(
      'option_unsupported',
      'Lago collects nothing for this customer: name its payment service as `paymentProvider`.',
      { details: { provider: 'lago', customerId }, cause: error },
    )
  }
}
