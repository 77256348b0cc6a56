import * as z from 'zod'
import type { CustomersCapability } from '../../core/ports/capabilities/customers.js'
import { withoutKey } from '../door/door.js'
import { type LagoCall, parseAnswer } from './call.js'
import type { UsageLine } from './usage-line.js'

const customerSchema = z.object({ customer: z.object({ external_id: z.string().min(1) }) })
const pageSchema = z.object({
  customers: z.array(
    z.object({
      external_id: z.string().min(1),
      email: z.string().nullish(),
      name: z.string().nullish(),
      created_at: z.string(),
    }),
  ),
  meta: z.object({ next_page: z.number().nullish() }),
})

/** The payment service of your Lago through which customers pay. */
export interface LagoPaymentProvider {
  readonly type: 'stripe' | 'adyen' | 'gocardless'
  /** As it is called in Lago, under *Settings → Integrations*. */
  readonly code: string
}

/**
 * Customers under our own account ids. To Lago the same id is the same customer, so that no key is needed; with each goes the
 * subscription that its usage is counted under.
 *
 * @see https://docs.getlago.com/api-reference/customers/create
 */
export function lagoCustomers(
  call: LagoCall,
  line: UsageLine,
  paymentProvider: LagoPaymentProvider | undefined,
  currency: string,
): Required<Omit<CustomersCapability, 'isGone' | 'remove'>> {
  // Whoever has no plan would get an invoice of nothing each month.
  const terms = {
    finalize_zero_amount_invoice: 'skip' as const,
    ...(paymentProvider === undefined
      ? {}
      : {
          billing_configuration: {
            payment_provider: paymentProvider.type,
            payment_provider_code: paymentProvider.code,
            sync: true,
            sync_with_provider: true,
          },
        }),
  }

  return {
    currency,
    async create({ accountId }, options) {
      const made = await call.write(withoutKey(options), (client, request) =>
        client.customers.createCustomer({ customer: { external_id: accountId, ...terms } }, request),
      )
      const { external_id: externalId } = parseAnswer(customerSchema, made).customer
      await line.ensure(externalId, withoutKey(options))
      return { externalId }
    },
    async update(externalId, { email, name }, options) {
      const profile = { ...(email === null ? {} : { email }), ...(name === null ? {} : { name }) }
      if (Object.keys(profile).length === 0) return
      await call.write(options, (client, request) =>
        client.customers.createCustomer({ customer: { external_id: externalId, ...profile } }, request),
      )
    },
    async list({ limit, after }, options) {
      const page = after === undefined ? 1 : Number(after)
      const answer = await call.read(options, (client, request) =>
        client.customers.findAllCustomers({ page, per_page: limit }, request),
      )
      const { customers, meta } = parseAnswer(pageSchema, answer)
      return {
        items: customers.map(({ external_id: id, email, name, created_at: createdAt }) => ({
          externalId: id,
          accountId: id,
          email: email ?? null,
          name: name ?? null,
          createdAt: Date.parse(createdAt),
        })),
        next: meta.next_page == null ? null : String(meta.next_page),
      }
    },
  }
}
