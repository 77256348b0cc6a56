import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { MeteringCapability } from '../../core/ports/capabilities/metering.js'
import type { PlanPrice } from '../../core/ports/capabilities/plan-price.js'
import { withoutKey } from '../door/door.js'
import type { MeterNames } from '../door/meter-names.js'
import { parseAnswer, type StripeCall } from './call.js'
import { createOnce } from './create-once.js'
import { everyRow } from './every-row.js'
import { activeMeters } from './meters.js'
import type { StripePriceList } from './prices.js'
import { reference } from './reference.js'

const subscriptionSchema = z.object({
  id: z.string().min(1),
  created: z.number(),
  status: z.string(),
  metadata: z.record(z.string(), z.string()).nullish(),
  default_payment_method: reference.nullish(),
})
const itemSchema = z.object({
  id: z.string(),
  price: z.object({ recurring: z.object({ meter: z.string().nullish() }).nullish() }),
})

const ended: ReadonlySet<string> = new Set(['canceled', 'incomplete_expired'])
const charging: ReadonlySet<string> = new Set(['active', 'trialing', 'past_due'])

/** A price on a meter, and the subscription it is of. */
interface Priced {
  readonly id: string
  readonly meter: string
  readonly isApart: boolean
  readonly since: number
  readonly of: string
}

/** The prices on a meter beside the first one: that of metered prices alone, or else the one that was there before all others. */
function doubled(priced: readonly Priced[]): readonly Priced[] {
  const inOrder = [...priced].sort(
    (left, right) =>
      Number(right.isApart) - Number(left.isApart) || left.since - right.since || (left.of < right.of ? -1 : 1),
  )
  const charged = new Set<string>()
  return inOrder.filter(({ meter }) => {
    const isSecond = charged.has(meter)
    charged.add(meter)
    return isSecond
  })
}

/** What a customer is charged for by the meter, and by which subscriptions. */
async function charged(call: StripeCall, customer: string, options: CallOptions) {
  const rows = await everyRow(subscriptionSchema, (start) =>
    call.read(options, (client, request) => client.subscriptions.list({ customer, status: 'all', ...start }, request)),
  )
  const live = rows.filter(({ status }) => !ended.has(status))
  const meters = new Set<string>()
  /** Those among them that are on a subscription of metered prices alone. */
  const apart = new Set<string>()
  const priced: Priced[] = []
  for (const row of live) {
    const items = await everyRow(itemSchema, (start) =>
      call.read(options, (client, request) =>
        client.subscriptionItems.list({ subscription: row.id, ...start }, request),
      ),
    )
    for (const { id, price } of items) {
      const meter = price.recurring?.meter
      if (!meter) continue
      meters.add(meter)
      if (charging.has(row.status)) priced.push({ id, meter, isApart: isApart(row), since: row.created, of: row.id })
      if (isApart(row)) apart.add(meter)
    }
  }
  const [newest] = live.filter(isApart)
  const unpaid = live.filter((row) => isApart(row) && row.default_payment_method == null)
  const method = live.find((row) => row.default_payment_method != null)?.default_payment_method ?? null
  return { meters, apart, doubled: doubled(priced), newest, unpaid, method, subscriptions: rows.length }
}

function isApart({ metadata }: z.output<typeof subscriptionSchema>): boolean {
  return metadata?.billfold_usage === 'overage'
}

/**
 * The price of a plan without the meters that its customer is charged for by a subscription of metered prices alone: Stripe counts by the
 * customer, so that a second price on a meter would charge for the same usage again.
 */
export async function withoutCharged(
  call: StripeCall,
  eventName: MeterNames,
  customer: string,
  price: PlanPrice,
  options: CallOptions,
): Promise<PlanPrice> {
  if (price.overage.length === 0) return price
  const { apart } = await charged(call, customer, options)
  if (apart.size === 0) return price
  const active = await activeMeters(call, options)
  return { ...price, overage: price.overage.filter(({ meter }) => !apart.has(active.get(eventName(meter))?.id ?? '')) }
}

/** Takes a price off its subscription; another process may have done so. */
async function takeOff(call: StripeCall, item: string, options: CallOptions): Promise<void> {
  try {
    await call.write(withoutKey(options), (client, request) =>
      client.subscriptionItems.del(item, { proration_behavior: 'none' }, request),
    )
  } catch (error) {
    if (!BillingError.is(error) || error.code !== 'not_found') throw error
  }
}

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
): Required<Pick<MeteringCapability, 'collect' | 'collectsApart' | 'chargedShadows'>> {
  return {
    collectsApart: true,
    async collect({ accountId, customerId, currency, overage }, options) {
      const { meters, doubled: twice, subscriptions, unpaid, method } = await charged(call, customerId, options)
      // Stripe counts by the customer: of two subscriptions that were bought at once each would charge for the same usage.
      for (const { id } of twice) await takeOff(call, id, options)
      // What a page of a plan was paid with stays with that plan: this one would have nothing to be paid with.
      const pay = async (id: string) => {
        if (method === null) return
        await call.write(withoutKey(options), (client, request) =>
          client.subscriptions.update(id, { default_payment_method: method }, request),
        )
      }
      for (const { id } of unpaid) await pay(id)
      const active = await activeMeters(call, options)
      const missing = overage.filter(({ meter }) => !meters.has(active.get(eventName(meter))?.id ?? ''))
      if (missing.length === 0) return
      const items = (await prices.metered(missing, currency, options)).map((price) => ({ price }))
      // Several at once, and a repeat after an answer that was lost, make one; what is made after others have ended is another one.
      const idempotencyKey = `billfold-usage:${customerId}:${subscriptions}:${items.map(({ price }) => price).join(':')}`
      const metadata = { billfold_account_id: accountId, billfold_usage: 'overage' }
      const made = await createOnce(
        { ...options, idempotencyKey },
        async (sent) =>
          parseAnswer(
            subscriptionSchema,
            await call.create(sent, (client, request) =>
              client.subscriptions.create({ customer: customerId, items, metadata, off_session: true }, request),
            ),
          ),
        async () => {
          const after = await charged(call, customerId, options)
          const isWhole = missing.every(({ meter }) => after.apart.has(active.get(eventName(meter))?.id ?? ''))
          return isWhole ? after.newest : undefined
        },
      )
      await pay(made.id)
    },
    async chargedShadows(customerId, meters, options) {
      const active = await activeMeters(call, options)
      const shadows = meters.filter((meter) => active.has(eventName(meter, true)))
      if (shadows.length === 0) return []
      const { meters: priced } = await charged(call, customerId, options)
      return shadows.filter((meter) => priced.has(active.get(eventName(meter, true))?.id ?? ''))
    },
  }
}
