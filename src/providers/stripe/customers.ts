import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CustomersCapability } from '../../core/ports/capabilities/customers.js'
import { withoutKey } from '../door/door.js'
import { parseAnswer, type StripeCall } from './call.js'
import { createOnce } from './create-once.js'
import { pageWhere } from './page.js'

const customerSchema = z.object({
  id: z.string().min(1),
  metadata: z.record(z.string(), z.string()).nullish(),
})
const listedSchema = customerSchema.extend({
  email: z.string().nullish(),
  name: z.string().nullish(),
  created: z.number(),
})
const goneSchema = z.object({ deleted: z.boolean().nullish() })
const newestSchema = z.object({ data: z.array(customerSchema) })

/**
 * Customers. The create carries nothing but our account id, so that its key may be repeated after a name or an e-mail changed
 * (Stripe refuses a key that comes with other parameters); name and e-mail follow with `update`.
 *
 * @see https://docs.stripe.com/api/customers/create
 * @see https://docs.stripe.com/api/idempotent_requests
 */
export function stripeCustomers(call: StripeCall): CustomersCapability {
  return {
    async create({ accountId }, options) {
      const customer = await createOnce(
        options,
        async (keyed) =>
          parseAnswer(
            customerSchema,
            await call.create(keyed, (client, request) =>
              client.customers.create({ metadata: { billfold_account_id: accountId } }, request),
            ),
          ),
        async () => {
          // What was made a moment ago is among the newest. Searching by metadata would miss it: the index lags by up to a minute.
          const answer = await call.read(withoutKey(options), (client, request) =>
            client.customers.list({ limit: 100 }, request),
          )
          const newest = parseAnswer(newestSchema, answer).data
          return newest.find(({ metadata }) => metadata?.billfold_account_id === accountId)
        },
      )
      return { externalId: customer.id }
    },
    async update(externalId, { email, name }, options) {
      const profile = { ...(email === null ? {} : { email }), ...(name === null ? {} : { name }) }
      if (Object.keys(profile).length === 0) return
      await call.write(options, (client, request) => client.customers.update(externalId, profile, request))
    },
    async isGone(externalId, options) {
      // A key of another account or mode does not find it either; what was deleted is answered with a mark for ever.
      try {
        const answer = await call.read(options, (client, request) => client.customers.retrieve(externalId, {}, request))
        return parseAnswer(goneSchema, answer).deleted === true
      } catch (error) {
        if (BillingError.is(error) && error.code === 'not_found') return false
        throw error
      }
    },
    async remove(externalId, options) {
      try {
        await call.write(withoutKey(options), (client, request) => client.customers.del(externalId, {}, request))
      } catch (error) {
        // It was deleted before.
        if (!BillingError.is(error) || error.code !== 'not_found') throw error
      }
    },
    list(page, options) {
      return pageWhere(page, listedSchema, {
        list: (start) => call.read(options, (client, request) => client.customers.list(start, request)),
        map: ({ id, metadata, email, name, created }) => ({
          externalId: id,
          accountId: metadata?.billfold_account_id ?? null,
          email: email ?? null,
          name: name ?? null,
          createdAt: created * 1000,
        }),
        fits: () => true,
      })
    },
  }
}
