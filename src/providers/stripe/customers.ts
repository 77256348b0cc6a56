import * as z from 'zod'
import type { CustomersCapability } from '../../core/ports/capabilities/customers.js'
import { parseAnswer, type StripeCall } from './call.js'

const customerSchema = z.object({ id: z.string().min(1) })

/**
 * Customers. The create carries nothing but our account id, so that its key may be repeated after a name or an e-mail changed
 * (Stripe refuses a key that comes with other parameters); name and e-mail follow in a second call.
 *
 * @see https://docs.stripe.com/api/customers/create
 * @see https://docs.stripe.com/api/idempotent_requests
 */
export function stripeCustomers(call: StripeCall): CustomersCapability {
  return {
    async create({ accountId, email, name }, options) {
      const created = await call.create(options, (client, request) =>
        client.customers.create({ metadata: { billfold_account_id: accountId } }, request),
      )
      const { id } = parseAnswer(customerSchema, created)
      const profile = { ...(email === null ? {} : { email }), ...(name === null ? {} : { name }) }
      if (Object.keys(profile).length > 0) {
        // Without the key: it belongs to the create.
        await call.write(signalOf(options), (client, request) => client.customers.update(id, profile, request))
      }
      return { externalId: id }
    },
  }
}

function signalOf({ signal }: { readonly signal?: AbortSignal }): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
