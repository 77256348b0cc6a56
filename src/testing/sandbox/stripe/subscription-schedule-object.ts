import { plusInterval } from './billing-cycle.js'
import { type Price, prices } from './prices.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type SubscriptionSchedule = ReturnType<typeof newSchedule>
export type SchedulePhase = ReturnType<typeof newPhase>
type ScheduleStatus = 'not_started' | 'active' | 'completed' | 'released' | 'canceled'
export type EndBehavior = 'cancel' | 'release'

export const schedules = tableOf<SubscriptionSchedule>('subscription_schedules')

export interface PhaseRequest {
  readonly items: readonly { readonly price: string; readonly quantity?: number | undefined }[]
  readonly start: number
  readonly end?: number | undefined
  readonly duration?:
    | { readonly interval: 'day' | 'week' | 'month' | 'year'; readonly interval_count?: number | undefined }
    | undefined
  readonly proration?: 'always_invoice' | 'create_prorations' | 'none' | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly currency: string
}

export function newPhase(world: StripeWorld, request: PhaseRequest) {
  const first = prices(world).get(request.items[0]?.price ?? '')
  return {
    add_invoice_items: [],
    application_fee_percent: null,
    billing_cycle_anchor: null,
    billing_thresholds: null,
    collection_method: null,
    currency: request.currency,
    default_payment_method: null,
    description: null,
    discounts: [],
    end_date: request.end ?? endOf(request, first),
    invoice_settings: null,
    items: request.items.map(({ price, quantity }) => ({
      billing_thresholds: null,
      discounts: [],
      metadata: {},
      plan: price,
      price,
      ...(quantity === undefined ? {} : { quantity }),
      tax_rates: [],
    })),
    metadata: request.metadata ?? null,
    on_behalf_of: null,
    proration_behavior: request.proration ?? 'create_prorations',
    start_date: request.start,
    transfer_data: null,
    trial_end: null,
  }
}

function endOf({ start, duration }: PhaseRequest, price: Price | undefined): number {
  const { interval, interval_count: step = 1 } = duration ?? price?.recurring ?? { interval: 'month' as const }
  return plusInterval(start, interval, step)
}

export function newSchedule(
  world: StripeWorld,
  customer: string,
  phases: readonly SchedulePhase[],
  endBehavior: EndBehavior,
  state: {
    readonly status: ScheduleStatus
    readonly subscription: string | null
    readonly metadata?: Readonly<Record<string, string>>
  },
) {
  const now = seconds(world)
  const current = state.status === 'active' ? phases.find(({ end_date: end }) => end > now) : undefined
  return {
    id: newId('sub_sched_1', 23),
    object: 'subscription_schedule' as const,
    application: null,
    billing_mode: {
      flexible: { proration_discounts: 'included' as const },
      type: 'flexible' as const,
      updated_at: now,
    },
    canceled_at: null as number | null,
    completed_at: null as number | null,
    created: now,
    current_phase: (current === undefined ? null : { start_date: current.start_date, end_date: current.end_date }) as {
      readonly start_date: number
      readonly end_date: number
    } | null,
    customer,
    customer_account: null,
    default_settings: {
      application_fee_percent: null,
      automatic_tax: { disabled_reason: null, enabled: false, liability: null },
      billing_cycle_anchor: 'automatic' as const,
      billing_thresholds: null,
      collection_method: 'charge_automatically' as const,
      default_payment_method: null,
      description: null,
      invoice_settings: {
        account_tax_ids: null,
        custom_fields: null,
        days_until_due: null,
        description: null,
        footer: null,
        issuer: { type: 'self' as const },
      },
      on_behalf_of: null,
      transfer_data: null,
    },
    end_behavior: endBehavior,
    livemode: false as const,
    metadata: state.metadata ?? {},
    pause_schedules: [],
    phases,
    released_at: null as number | null,
    released_subscription: null as string | null,
    status: state.status,
    subscription: state.subscription,
    test_clock: world.clock,
  }
}
