import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import { parseAnswer, type StripeCall } from './call.js'
import type { MeterNames } from './meter-names.js'
import { activeMeters, type StripeMeter } from './meters.js'

/** What is done once for a Stripe account, before the first usage is sent. */
export interface StripeSetUp {
  /**
   * Creates the meters (our names) that Stripe does not have yet: sums, by `stripe_customer_id` and `value`. May be repeated, and
   * run by several processes at once.
   *
   * @throws BillingError `config_invalid` when there is one that counts in another way; it cannot be changed, only replaced
   */
  meters(names: readonly string[]): Promise<void>
}

const createdSchema = z.object({ id: z.string().min(1) })

/** @see https://docs.stripe.com/api/billing/meter/create */
export function stripeSetUp(call: StripeCall, eventName: MeterNames): StripeSetUp {
  return {
    async meters(names) {
      const existing = await activeMeters(call, {})
      for (const name of new Set(names)) {
        const event = eventName(name)
        const meter = existing.get(event)
        if (meter === undefined) await createMeter(call, name, event)
        else refuseOther(meter)
      }
    },
  }
}

async function createMeter(call: StripeCall, name: string, event: string): Promise<void> {
  try {
    const created = await call.create({ idempotencyKey: `billfold-meter:${event}` }, (client, request) =>
      client.billing.meters.create(
        {
          display_name: name,
          event_name: event,
          default_aggregation: { formula: 'sum' },
          customer_mapping: { type: 'by_id', event_payload_key: 'stripe_customer_id' },
          value_settings: { event_payload_key: 'value' },
        },
        request,
      ),
    )
    parseAnswer(createdSchema, created)
  } catch (error) {
    // Someone else may have made it in the meantime, or we may have, and the answer was lost.
    const meter = (await activeMeters(call, {})).get(event)
    if (meter === undefined) throw error
    refuseOther(meter)
  }
}

function refuseOther(meter: StripeMeter): void {
  const fits =
    meter.default_aggregation.formula === 'sum' &&
    meter.customer_mapping.event_payload_key === 'stripe_customer_id' &&
    meter.value_settings.event_payload_key === 'value' &&
    (meter.event_time_window ?? null) === null
  if (fits) return
  throw new BillingError(
    'config_invalid',
    `Stripe's meter ${meter.id} (${meter.event_name}) does not sum \`value\` by \`stripe_customer_id\`: deactivate it or use another name.`,
    { details: { meterId: meter.id, eventName: meter.event_name } },
  )
}
