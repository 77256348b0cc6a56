import * as z from 'zod'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { MeteringCapability } from '../../core/ports/capabilities/metering.js'
import type { MeterNames } from '../door/meter-names.js'
import type { StripeCall } from './call.js'
import { everyRow } from './every-row.js'
import { activeMeters } from './meters.js'
import type { StripePriceList } from './prices.js'

const subscriptionSchema = z.object({ id: z.string().min(1), status: z.string() })
const itemSchema = z.object({
  id: z.string(),
  price: z.object({ recurring: z.object({ meter: z.string().nullish() }).nullish() }),
})

const ended: ReadonlySet<string> = new Set(['canceled', 'incomplete_expired'])

/**
 * What customers are charged for by the meter: Stripe charges whoever has a subscription with a price on it, and nobody else. Of usage
 * from before the subscription began it charges nothing, so it is made before there is any.
 *
 * @see https://docs.stripe.com/billing/subscriptions/usage-based/implementation-guide
 */
export function stripeCollection(
  call: StripeCall,
  prices: StripePriceList,
  eventName: MeterNames,
): Required<Pick<MeteringCapability, 'collect' | 'chargedShadows'>> {
  /** The meters that prices of the customer's subscriptions are on, and how many subscriptions it ever had. */
  const charged = async (customer: string, options: CallOptions) => {
    const rows = await everyRow(subscriptionSchema, (start) =>
      call.read(options, (client, request) =>
        client.subscriptions.list({ customer, status: 'all', ...start }, request),
      ),
    )
    const meters = new Set<string>()
    for (const { id: subscription, status } of rows) {
      if (ended.has(status)) continue
      const items = await everyRow(itemSchema, (start) =>
        call.read(options, (client, request) => client.subscriptionItems.list({ subscription, ...start }, request)),
      )
      for (const { price } of items) if (price.recurring?.meter) meters.add(price.recurring.meter)
    }
    return { meters, subscriptions: rows.length }
  }

  return {
    async collect({ accountId, customerId, currency, overage }, options) {
      const { meters, subscriptions } = await charged(customerId, options)
      const active = await activeMeters(call, options)
      const missing = overage.filter(({ meter }) => !meters.has(active.get(eventName(meter))?.id ?? ''))
      if (missing.length === 0) return
      const items = (await prices.metered(missing, currency, options)).map((price) => ({ price }))
      // Several at once, and a repeat after an answer that was lost, make one; what is made after others have ended is another one.
      const idempotencyKey = `billfold-usage:${customerId}:${subscriptions}:${items.map(({ price }) => price).join(':')}`
      const metadata = { billfold_account_id: accountId, billfold_usage: 'overage' }
      await call.create({ ...options, idempotencyKey }, (client, request) =>
        client.subscriptions.create({ customer: customerId, items, metadata, off_session: true }, request),
      )
    },
    async chargedShadows(customerId, meters, options) {
      const active = await activeMeters(call, options)
      const shadows = meters.filter((meter) => active.has(eventName(meter, true)))
      if (shadows.length === 0) return []
      const { meters: priced } = await charged(customerId, options)
      return shadows.filter((meter) => priced.has(active.get(eventName(meter, true))?.id ?? ''))
    },
  }
}
