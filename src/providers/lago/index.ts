import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CheckoutCapability } from '../../core/ports/capabilities/checkout.js'
import type { CustomersCapability } from '../../core/ports/capabilities/customers.js'
import type { UsageReportsCapability } from '../../core/ports/capabilities/usage-reports.js'
import type { Provider } from '../../core/ports/provider.js'
import { meterNamed, meterNames, meterNamesSchema } from '../door/meter-names.js'
import { defaultLimits, defaultTimeoutMs, type LagoClient, lagoCall } from './call.js'
import { lagoCatalog } from './catalog.js'
import { lagoCheckout } from './checkout.js'
import { type LagoPaymentProvider, lagoCustomers } from './customers.js'
import { lagoInvoiceCredits } from './invoice-credits.js'
import { type LagoInvoiceVerbs, lagoInvoices } from './invoices.js'
import { lagoMetering } from './metering.js'
import { lagoPaymentMethods } from './payment-methods.js'
import { type LagoPaymentVerbs, lagoPayments } from './payments.js'
import { lagoPlans } from './plans.js'
import { lagoPortal } from './portal.js'
import type { LagoSignature } from './signature.js'
import { type LagoSubscriptionVerbs, lagoSubscriptions } from './subscriptions.js'
import { usageLine } from './usage-line.js'
import { lagoUsageReports } from './usage-reports.js'
import { handledTypes, lagoWebhooks } from './webhooks.js'

export type { LagoClient } from './call.js'
export type { LagoPaymentProvider } from './customers.js'
export type { LagoInvoiceVerbs } from './invoices.js'
export type { LagoPaymentVerbs } from './payments.js'
export type { LagoSignature } from './signature.js'
export type { LagoSubscriptionVerbs } from './subscriptions.js'

/** The types of webhooks that are acted on, for the `event_types` of an endpoint in Lago. */
export const lagoWebhookTypes: readonly string[] = handledTypes

/** Lago: customers, plans, subscriptions, usage as events, invoices and what is paid for them. Made for the API of `lago-javascript-client` 1.53; see docs/providers/lago.md. */
export interface LagoProviderOptions {
  /** Your configured SDK client; its `baseUrl` ends in `/api/v1`. Its own fetch and retries are kept. */
  readonly client: LagoClient
  /** That of the catalog: usage is counted under a plan in it, and Lago keeps a customer to one currency for ever. Default `USD`. */
  readonly currency?: string
  /** How long a call may take, in milliseconds. Default 30,000: the SDK waits for ever. */
  readonly timeoutMs?: number
  /** How much is asked of Lago a second, from this process. Default 40 requests and 400 requests with events. */
  readonly limits?: { readonly requestsPerSecond?: number; readonly eventRequestsPerSecond?: number }
  /** Codes of your billable metrics, by meter. Default `billfold_<meter>`. */
  readonly meters?: Readonly<Record<string, string>>
  /** Our plans behind plans that were there before Billfold, by Lago's code: `{ premium_2024: 'pro' }`. */
  readonly plans?: Readonly<Record<string, string>>
  /**
   * Where your Lago keeps events. `postgres` (default) refuses one that it has. `clickhouse` takes it again: an event of which nobody
   * knows whether it arrived is then not sent again, but left to `reconcile()`.
   */
  readonly eventStore?: 'postgres' | 'clickhouse'
  /** Takes webhooks, signed as the endpoint was made in Lago. Without it none are taken. */
  readonly webhook?: LagoSignature
  /** The payment service through which new customers pay; without it Lago collects nothing for those that are made here. */
  readonly paymentProvider?: LagoPaymentProvider
  /** For tests and simulations: milliseconds since the epoch. */
  readonly now?: () => number
  /** The provider's name in your config and in stored records. Default `lago`. */
  readonly id?: string
}

export type LagoProvider = Provider<
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
  readonly customers: Required<Omit<CustomersCapability, 'isGone' | 'remove'>>
  readonly checkout: Required<CheckoutCapability>
  readonly subscriptions: LagoSubscriptionVerbs
  readonly invoices: LagoInvoiceVerbs
  readonly payments: LagoPaymentVerbs
  readonly client: LagoClient
  readonly 'usage-reports': Required<UsageReportsCapability>
}

/**
 * Lago as a provider.
 *
 * @example
 * const lago = lagoProvider({ client: Client(apiKey, { baseUrl: 'https://api.getlago.com/api/v1' }) })
 * @throws BillingError `config_invalid`
 */
export function lagoProvider(options: LagoProviderOptions): LagoProvider {
  const settings = parseOptions(options)
  const call = lagoCall(options.client, settings.limits, settings.timeoutMs)
  const codeOf = meterNames(settings.meters)
  const plans = lagoPlans(call, codeOf)
  const line = usageLine(call, plans, settings.currency, options.now ?? Date.now)
  const foreign = new Map(Object.entries(settings.plans))
  const invoices = lagoInvoices(call, meterNamed(settings.meters))
  return {
    id: settings.id,
    client: options.client,
    customers: lagoCustomers(call, line, settings.paymentProvider, settings.currency),
    catalog: lagoCatalog(call, plans, codeOf, settings.currency),
    subscriptions: lagoSubscriptions(call, plans, line, (code) => foreign.get(code)),
    checkout: lagoCheckout(call, invoices, options.now ?? Date.now),
    portal: lagoPortal(call),
    invoices,
    'invoice-credits': lagoInvoiceCredits(call),
    payments: lagoPayments(call),
    'payment-methods': lagoPaymentMethods(call),
    metering: lagoMetering(call, line, codeOf, settings.eventStore),
    'usage-reports': lagoUsageReports(call, line, codeOf, settings.currency),
    webhooks: lagoWebhooks(call, settings.webhook),
  }
}

const optionsSchema = z.object({
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be three capitals, such as USD')
    .default('USD'),
  timeoutMs: z.int().min(1).max(600_000).default(defaultTimeoutMs),
  limits: z
    .strictObject({
      requestsPerSecond: z.number().positive().default(defaultLimits.requestsPerSecond),
      eventRequestsPerSecond: z.number().positive().default(defaultLimits.eventRequestsPerSecond),
    })
    .prefault({}),
  plans: z.record(z.string(), z.string().min(1)).default({}),
  eventStore: z.enum(['postgres', 'clickhouse']).default('postgres'),
  meters: meterNamesSchema(255),
  webhook: z
    .discriminatedUnion('algorithm', [
      z.strictObject({ algorithm: z.literal('hmac'), key: z.string().trim().min(1) }),
      z.strictObject({
        algorithm: z.literal('jwt'),
        publicKey: z.string().min(1).optional(),
        issuer: z.string().min(1).optional(),
        organizationId: z.string().min(1).optional(),
      }),
    ])
    .optional(),
  paymentProvider: z
    .strictObject({ type: z.enum(['stripe', 'adyen', 'gocardless']), code: z.string().min(1) })
    .optional(),
  id: z.string().min(1).default('lago'),
})

function parseOptions(options: LagoProviderOptions) {
  const { client, now: _now, ...rest } = options
  const parsed = optionsSchema.safeParse(rest)
  const isClient = typeof client === 'object' && client !== null && 'events' in client
  if (parsed.success && isClient) return parsed.data
  const [issue] = parsed.error?.issues ?? []
  const option = issue?.path.join('.') ?? 'client'
  throw new BillingError(
    'config_invalid',
    `lagoProvider(): ${option} ${issue?.message ?? 'must be a client of lago-javascript-client'}.`,
    { details: { option } },
  )
}
