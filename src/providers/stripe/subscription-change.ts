import type Stripe from 'stripe'
import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import type { SubscriptionChange, SubscriptionsCapability } from '../../core/ports/capabilities/subscriptions.js'
import { withoutKey } from '../door/door.js'
import type { MeterNames } from '../door/meter-names.js'
import { parseAnswer, type StripeCall } from './call.js'
import { withoutCharged } from './collection.js'
import { invoicePreview } from './invoice.js'
import { collected } from './payment-outcome.js'
import type { StripePriceList, StripePrices } from './prices.js'
import { readSubscription, releaseSchedule, running } from './read-subscription.js'
import {
  currentPeriod,
  invoiceId,
  type PlanNames,
  type StripeSubscription,
  seatItem,
  toSubscription,
} from './subscription.js'

const scheduleSchema = z.object({ id: z.string().min(1) })

const prorations = { next_invoice: 'create_prorations', invoice_now: 'always_invoice', none: 'none' } as const

/** Other plans and numbers of seats. @see https://docs.stripe.com/billing/subscriptions/change-price */
export function subscriptionChanges(
  call: StripeCall,
  prices: StripePriceList,
  eventName: MeterNames,
  planOf: PlanNames,
): Required<Pick<SubscriptionsCapability, 'change' | 'previewChange'>> {
  const reread = async (externalId: string, options: CallOptions) =>
    toSubscription(await readSubscription(call, externalId, options), planOf)

  const prepare = async (change: SubscriptionChange, options: CallOptions) => {
    const before = running(await readSubscription(call, change.externalId, options))
    const reading = withoutKey(options)
    const price = await withoutCharged(call, eventName, before.customer, change.price, reading)
    const priced = await prices.ensure(price, reading)
    return { before, priced }
  }
  return {
    async change(change, options) {
      const { before, priced } = await prepare(change, options)
      if (change.when === 'period_end') {
        await changeLater(call, before, change, priced, options)
        return { subscription: await reread(change.externalId, options), payment: null }
      }
      await releaseSchedule(call, before, options)
      const items = changedItems(before, seatItem(before, planOf), priced, change.seats)
      const prorate = prorations[change.proration]
      const answer = await call.write(options, (client, request) =>
        client.subscriptions.update(
          change.externalId,
          {
            items,
            proration_behavior: prorate,
            ...(change.at === null || prorate === 'none' ? {} : { proration_date: Math.floor(change.at / 1000) }),
            // What cannot be paid at once takes no effect until it is.
            ...(prorate === 'always_invoice' ? { payment_behavior: 'pending_if_incomplete' } : {}),
          },
          request,
        ),
      )
      const after = parseAnswer(z.object({ latest_invoice: z.unknown() }), answer)
      const billed = typeof after.latest_invoice === 'string' ? after.latest_invoice : null
      const isBilled = billed !== null && billed !== invoiceId(before)
      const payment = isBilled ? await collected(call, billed, options) : null
      return { subscription: await reread(change.externalId, options), payment }
    },
    async previewChange(change, options) {
      const { before, priced } = await prepare(change, options)
      if (change.when === 'period_end')
        throw new BillingError('option_unsupported', 'A change at the end of the period charges nothing before.')
      const answer = await call.read(options, (client, request) =>
        client.invoices.createPreview(
          {
            subscription: change.externalId,
            subscription_details: {
              items: changedItems(before, seatItem(before, planOf), priced, change.seats),
              proration_behavior: prorations[change.proration],
              ...(change.at === null ? {} : { proration_date: Math.floor(change.at / 1000) }),
            },
          },
          request,
        ),
      )
      return invoicePreview(answer)
    },
  }
}

/** The seats become those of the new plan; what was counted for the old one and is not for the new one goes. */
function changedItems(
  before: StripeSubscription,
  seat: ReturnType<typeof seatItem>,
  priced: StripePrices,
  seats: number,
): Stripe.SubscriptionUpdateParams.Item[] {
  const counted = before.items.data.filter((item) => item !== seat && item.price.recurring?.usage_type === 'metered')
  const kept = new Set(counted.map(({ price }) => price.id))
  return [
    { ...(seat ? { id: seat.id } : {}), price: priced.plan, quantity: seats },
    ...counted.filter(({ price }) => !priced.metered.includes(price.id)).map(({ id }) => ({ id, deleted: true })),
    ...priced.metered.filter((price) => !kept.has(price)).map((price) => ({ price })),
  ]
}

/**
 * A schedule of two phases: as it is until the period ends, then as it is to be; after that the subscription goes on by itself.
 *
 * @see https://docs.stripe.com/billing/subscriptions/subscription-schedules/use-cases#downgrading-subscriptions
 */
async function changeLater(
  call: StripeCall,
  before: StripeSubscription,
  { seats, price }: SubscriptionChange,
  priced: StripePrices,
  options: CallOptions,
): Promise<void> {
  const period = currentPeriod(before)
  if (!period)
    throw new BillingError('invalid_state', `Subscription ${before.id} has no period to change at the end of.`)
  const scheduleId =
    typeof before.schedule === 'object' && before.schedule?.status === 'active'
      ? before.schedule.id
      : await scheduleOf(call, before.id, options)
  await call.write(withoutKey(options), (client, request) =>
    client.subscriptionSchedules.update(
      scheduleId,
      {
        end_behavior: 'release',
        proration_behavior: 'none',
        phases: [
          {
            start_date: period.current_period_start,
            end_date: period.current_period_end,
            items: before.items.data.map(({ price: { id }, quantity }) => ({
              price: id,
              ...(quantity == null ? {} : { quantity }),
            })),
          },
          {
            start_date: period.current_period_end,
            items: [{ price: priced.plan, quantity: seats }, ...priced.metered.map((id) => ({ price: id }))],
            duration: { interval: price.interval, interval_count: 1 },
            metadata: { billfold_plan: price.plan },
          },
        ],
      },
      request,
    ),
  )
}

async function scheduleOf(call: StripeCall, subscription: string, options: CallOptions): Promise<string> {
  const made = await call.write(options, (client, request) =>
    client.subscriptionSchedules.create({ from_subscription: subscription }, request),
  )
  return parseAnswer(scheduleSchema, made).id
}
