import type Stripe from 'stripe'
import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CheckoutCapability } from '../../core/ports/capabilities/checkout.js'
import type { InvoicesCapability } from '../../core/ports/capabilities/invoices.js'
import type { PaymentMethodsCapability } from '../../core/ports/capabilities/payment-methods.js'
import type { PaymentsCapability } from '../../core/ports/capabilities/payments.js'
import type { SubscriptionsCapability } from '../../core/ports/capabilities/subscriptions.js'
import type { Provider } from '../../core/ports/provider.js'
import { meterNames, meterNamesSchema } from '../door/meter-names.js'
import { defaultLimits, stripeCall } from './call.js'
import { stripeCatalog } from './catalog.js'
import { type CheckoutSettings, stripeCheckout } from './checkout.js'
import { stripeCollection } from './collection.js'
import { stripeCustomers } from './customers.js'
import { stripeInvoiceCredits } from './invoice-credits.js'
import { stripeInvoices } from './invoices.js'
import { stripeMeterStream } from './meter-stream.js'
import { stripeMetering } from './metering.js'
import { stripePaymentMethods } from './payment-methods.js'
import { stripePayments } from './payments.js'
import { stripePortal } from './portal.js'
import { portalConfigurations } from './portal-configuration.js'
import { stripePrices } from './prices.js'
import { stripeSubscriptions } from './subscriptions.js'
import { stripeUsageReports } from './usage-reports.js'
import type { SnapshotEvent } from './webhooks/handler.js'
import { meterErrorTypes } from './webhooks/meter-error.js'
import { handledEvents, stripeWebhooks } from './webhooks.js'

export type { CheckoutSettings } from './checkout.js'
export type { SnapshotEvent } from './webhooks/handler.js'

/** Stripe: checkout, portal, subscriptions, meters, webhooks. Made for API version 2026-10-28; see docs/providers/stripe.md. */
export interface StripeProviderOptions<Id extends string = string> {
  /** Your configured SDK client (stripe 23). Its timeout, retries and API version are kept. */
  readonly client: Stripe
  /** The signing secret of your webhook endpoint (`whsec_…`); several while one replaces another. Without it webhooks are refused. */
  readonly webhookSecret?: string | readonly string[]
  /** How far a webhook's signature may be from now, in seconds, in either direction: 1 to 600. Default 300. */
  readonly webhookToleranceSeconds?: number
  /** True ignores events of test mode, false those of live mode. Default: both are taken. */
  readonly livemode?: boolean
  /** The connected account whose events are taken. Default: those of connected accounts are ignored. */
  readonly account?: string
  /** What holds for all checkout pages. */
  readonly checkout?: CheckoutSettings
  /** How much is asked of Stripe a second, from this process. Default 80 requests and 800 meter events; a sandbox of Stripe's takes 25. */
  readonly limits?: { readonly requestsPerSecond?: number; readonly meterEventsPerSecond?: number }
  /** For tests and simulations: milliseconds since the epoch. */
  readonly now?: () => number
  /** Our plans behind prices that were there before Billfold, by Stripe's id of the price: `{ price_1abc: 'pro' }`. */
  readonly plans?: Readonly<Record<string, string>>
  /**
   * Who configures the customer portal: you in the Dashboard (default), or `catalog.apply()`, by the plans of the catalog.
   */
  readonly portal?: 'dashboard' | 'catalog'
  /** In which countries a type of payment method is offered: `{ sepa_debit: ['DE', 'AT'] }`. Default: wherever Stripe has it. */
  readonly methodCountries?: Readonly<Record<string, readonly string[]>>
  /** Event names of your Stripe meters, by meter. Default `billfold_<meter>`. */
  readonly meters?: Readonly<Record<string, string>>
  /** Reports usage a hundred at a time through the stream of meter events. Default: one by one. */
  readonly meterStream?: boolean
  /** The provider's name in your config and in stored records. Default `stripe`. */
  readonly id?: Id
}

export type StripeProvider<Id extends string = string> = Provider<
  | 'customers'
  | 'catalog'
  | 'checkout'
  | 'portal'
  | 'subscriptions'
  | 'invoices'
  | 'invoice-credits'
  | 'payments'
  | 'payment-methods'
  | 'metering'
  | 'usage-reports'
  | 'webhooks'
> & {
  readonly id: Id
  readonly checkout: Required<CheckoutCapability>
  readonly subscriptions: Required<SubscriptionsCapability>
  readonly invoices: Required<InvoicesCapability>
  readonly payments: Required<Omit<PaymentsCapability, 'submit' | 'waiting' | 'approve' | 'reject'>>
  readonly 'payment-methods': Required<PaymentMethodsCapability>
  readonly client: Stripe
  /** The types of event that are acted on, for the list of a webhook endpoint. */
  readonly webhookEvents: readonly SnapshotEvent[]
  /** Those that come as thin events only, for an event destination: usage that could not be counted. */
  readonly thinEvents: readonly string[]
}

/**
 * Stripe as a provider.
 *
 * @example
 * const stripe = stripeProvider({ client: new Stripe(key), webhookSecret })
 * @throws BillingError `config_invalid`, such as for an empty webhook secret: with it anyone could sign
 */
export function stripeProvider<const Id extends string = 'stripe'>(
  options: StripeProviderOptions<Id>,
): StripeProvider<NoInfer<Id>> {
  const settings = parseOptions(options)
  const call = stripeCall(options.client, settings.limits)
  const eventName = meterNames(settings.meters)
  const prices = stripePrices(call, eventName)
  const portal = settings.portal === 'catalog' ? portalConfigurations(call, prices) : null
  const foreign = new Map(Object.entries(settings.plans))
  return {
    id: settings.id as Id,
    client: options.client,
    webhookEvents: handledEvents,
    thinEvents: [...meterErrorTypes],
    customers: stripeCustomers(call),
    catalog: stripeCatalog(call, prices, eventName, portal),
    checkout: stripeCheckout(call, prices, eventName, settings.checkout),
    portal: stripePortal(call, portal),
    subscriptions: stripeSubscriptions(call, prices, eventName, (priceId) => foreign.get(priceId)),
    invoices: stripeInvoices(call, options.now ?? Date.now),
    'invoice-credits': stripeInvoiceCredits(call, options.now ?? Date.now),
    payments: stripePayments(call),
    'payment-methods': stripePaymentMethods(call, settings.methodCountries),
    metering: {
      ...(settings.meterStream
        ? stripeMeterStream(call, eventName, options.now ?? Date.now)
        : stripeMetering(call, eventName)),
      ...stripeCollection(call, prices, eventName),
    },
    'usage-reports': stripeUsageReports(call, eventName),
    webhooks: stripeWebhooks(call, {
      secrets: settings.webhookSecret,
      toleranceSeconds: settings.webhookToleranceSeconds,
      livemode: settings.livemode,
      account: settings.account,
    }),
  }
}

/** A line end around a secret is a mistake in an environment file, and would make every signature wrong. */
const secretSchema = z
  .string()
  .min(1, 'must not be empty')
  .refine((secret) => secret.trim() === secret, 'must not begin or end with white space')

const optionsSchema = z.object({
  webhookSecret: z
    .union([secretSchema.transform((secret) => [secret]), z.array(secretSchema).min(1, 'must not be an empty list')])
    .default([]),
  webhookToleranceSeconds: z.int().min(1).max(600).default(300),
  livemode: z.boolean().optional(),
  account: z.string().min(1).optional(),
  checkout: z
    .strictObject({ automaticTax: z.boolean().default(false), invoices: z.boolean().default(true) })
    .prefault({}),
  limits: z
    .strictObject({
      requestsPerSecond: z.number().positive().default(defaultLimits.requestsPerSecond),
      meterEventsPerSecond: z.number().positive().default(defaultLimits.meterEventsPerSecond),
    })
    .prefault({}),
  plans: z.record(z.string(), z.string().min(1)).default({}),
  portal: z.enum(['dashboard', 'catalog']).default('dashboard'),
  methodCountries: z
    .record(z.string(), z.array(z.string().regex(/^[A-Z]{2}$/, 'must be two capitals, such as DE')))
    .default({}),
  meters: meterNamesSchema(100),
  meterStream: z.boolean().default(false),
  id: z.string().min(1).default('stripe'),
})

function parseOptions(options: StripeProviderOptions) {
  const { client, now: _now, ...rest } = options
  const parsed = optionsSchema.safeParse(rest)
  if (parsed.success && typeof client === 'object' && client !== null) return parsed.data
  const [issue] = parsed.error?.issues ?? []
  const option = issue?.path.join('.') ?? 'client'
  throw new BillingError(
    'config_invalid',
    `stripeProvider(): ${option} ${issue?.message ?? 'must be a Stripe client'}.`,
    {
      details: { option },
    },
  )
}
