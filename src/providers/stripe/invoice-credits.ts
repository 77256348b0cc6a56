import * as z from 'zod'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { InvoiceCredit, InvoiceCreditsCapability } from '../../core/ports/capabilities/invoice-credits.js'
import { withoutKey } from '../door/door.js'
import { exactAmount, toStripeAmount } from './amount.js'
import { parseAnswer, type StripeCall } from './call.js'
import { createOnce } from './create-once.js'
import { everyRow } from './every-row.js'
import { reference } from './reference.js'

const moneySchema = z.object({ monetary: z.object({ currency: z.string(), value: z.number() }) })

const grantSchema = z.object({
  id: z.string().min(1),
  customer: reference,
  amount: moneySchema,
  category: z.enum(['paid', 'promotional']),
  name: z.string().nullish(),
  created: z.number(),
  expires_at: z.number().nullish(),
  voided_at: z.number().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
})

const summarySchema = z.object({ balances: z.array(z.object({ available_balance: moneySchema })) })

type Grant = z.output<typeof grantSchema>

/** All usage that Stripe charges for: credits pay for nothing else there. */
const scope = { price_type: 'metered' } as const

/**
 * Stripe's billing credits: money that pays for metered usage on invoices of subscriptions.
 *
 * @see https://docs.stripe.com/billing/subscriptions/usage-based/billing-credits
 */
export function stripeInvoiceCredits(call: StripeCall, now: () => number): InvoiceCreditsCapability {
  const grantsOf = (customer: string, options: CallOptions) =>
    everyRow(grantSchema, (start) =>
      call.read(withoutKey(options), (client, request) =>
        client.billing.creditGrants.list({ customer, ...start }, request),
      ),
    )
  const read = async (id: string, options: CallOptions): Promise<Grant> =>
    parseAnswer(
      grantSchema,
      await call.read(options, (client, request) => client.billing.creditGrants.retrieve(id, {}, request)),
    )

  return {
    async grant({ customerId, amount, kind, name, expiresAt }, options) {
      const { currency, minor: value } = toStripeAmount(amount)
      const key = options.idempotencyKey ?? ''
      const find = async () =>
        (await grantsOf(customerId, options)).find(({ metadata }) => metadata?.billfold_key === key)
      // Stripe forgets keys after a day; what was made carries its own.
      const made = key === '' ? undefined : await find()
      if (made) return toCredit(made)
      const create = async (keyed: CallOptions) => {
        const answer = await call.create(keyed, (client, request) =>
          client.billing.creditGrants.create(
            {
              customer: customerId,
              amount: { type: 'monetary', monetary: { currency, value } },
              applicability_config: { scope },
              category: kind,
              name,
              metadata: { billfold_key: key },
              ...(expiresAt === null ? {} : { expires_at: Math.floor(expiresAt / 1000) }),
            },
            request,
          ),
        )
        return parseAnswer(grantSchema, answer)
      }
      return toCredit(await createOnce(options, create, find))
    },
    async list(customerId, options) {
      return (await grantsOf(customerId, options)).map(toCredit)
    },
    async balance(customer, options) {
      const filter = { type: 'applicability_scope', applicability_scope: scope } as const
      const answer = await call.read(options, (client, request) =>
        client.billing.creditBalanceSummaries.retrieve({ customer, filter }, request),
      )
      return parseAnswer(summarySchema, answer).balances.map(({ available_balance: { monetary } }) =>
        exactAmount(monetary.value, monetary.currency),
      )
    },
    async end(externalId, options) {
      const before = await read(externalId, withoutKey(options))
      const isOver = before.voided_at != null || (before.expires_at != null && before.expires_at * 1000 <= now())
      if (isOver) return toCredit(before)
      const answer = await call.write(options, (client, request) =>
        client.billing.creditGrants.expire(externalId, {}, request),
      )
      return toCredit(parseAnswer(grantSchema, answer))
    },
  }
}

function toCredit({ id, customer, amount, category, name, created, expires_at, voided_at }: Grant): InvoiceCredit {
  return {
    externalId: id,
    customerId: customer,
    amount: exactAmount(amount.monetary.value, amount.monetary.currency),
    kind: category,
    name: name ?? null,
    createdAt: created * 1000,
    expiresAt: expires_at == null ? null : expires_at * 1000,
    isVoid: voided_at != null,
  }
}
