import type { Catalog, Logger } from '../index.js'
import type { ReturnUrls, Served } from './app.js'
import type { ServedBilling } from './billing.js'
import { bodyLimitsOf } from './body.js'
import type { EventStreamOptions } from './event-stream.js'
import type { Identify } from './identity.js'
import { failuresTo, type RequestInstrumentation } from './observed.js'
import { type AddressRateLimit, createRateLimits, type RateLimit } from './rate-limit.js'
import { addAccountRoutes } from './routes/account.js'
import { addAccountPaymentMethodRoutes } from './routes/account-payment-methods.js'
import { addApiKeyRoutes } from './routes/api-keys.js'
import { addCheckoutRoutes } from './routes/checkout.js'
import { addConfigRoutes } from './routes/config.js'
import { addCostRoutes } from './routes/costs.js'
import { addCreditPackageRoutes } from './routes/credit-packages.js'
import { addCreditRoutes } from './routes/credits.js'
import { addEventRoutes } from './routes/events.js'
import { addExplanationRoutes } from './routes/explanations.js'
import { addHealthRoutes } from './routes/health.js'
import { addInvoicePdfRoutes } from './routes/invoice-pdf.js'
import { addInvoiceRoutes } from './routes/invoices.js'
import { addManualPaymentRoutes } from './routes/manual-payments.js'
import { addPaymentMethodRoutes } from './routes/payment-methods.js'
import { addPaymentRoutes } from './routes/payments.js'
import { addPlanRoutes } from './routes/plans.js'
import { addPortalRoutes } from './routes/portal.js'
import { addSubscriptionRoutes } from './routes/subscription.js'
import { addUsageRoutes } from './routes/usage.js'
import { addUsageDashboardRoutes } from './routes/usage-dashboard.js'
import { addUsageEventRoutes } from './routes/usage-events.js'
import { addWebhookRoutes } from './routes/webhooks.js'
import { type BillingHandler, serve } from './serve.js'
import { resolveWire, type WireOptions } from './wire/wire.js'

/** How often a handler may be asked; each is counted by itself. */
export interface HandlerRateLimits extends AddressRateLimit {
  /** Requests of the caller's account, whichever it asks about. */
  readonly account?: RateLimit
  /** Requests with one API key. */
  readonly apiKey?: RateLimit
}

/** What a handler is made of, beside the service. */
export interface HandlerOptions {
  /** Who calls. Without an answer nobody is let in. */
  readonly identify: Identify
  /** Where the routes begin; default `/api/billing`. */
  readonly basePath?: string
  /** Origins whose pages may call with cookies, beside the handler's own; also those that CORS lets read. Default none. */
  readonly allowedOrigins?: readonly string[]
  /** What the catalog's meters and dimensions are called on the wire, and which words states have. */
  readonly wire?: WireOptions
  /** What `/config` tells pages; it is public. */
  readonly stripe?: { readonly publishableKey: string }
  /** Where hosted pages lead back to where a request does not say. */
  readonly returnUrls?: ReturnUrls
  /** The largest body that is read, in bytes; default 1 MiB. */
  readonly maximumBodyBytes?: number
  /** How long a body may take to come, in seconds; default 30. */
  readonly maximumBodySeconds?: number
  /** How `/events` is kept up. */
  readonly eventStreams?: EventStreamOptions
  /** How often may be asked, by whom; default as often as anybody likes. See docs/wire.md. */
  readonly rateLimits?: HandlerRateLimits
  /** Reads the PDFs that providers keep. Default: the global one. */
  readonly fetch?: typeof globalThis.fetch
  /** Whether `GET /reference` shows the routes to people, as a page that loads nothing else; default not. */
  readonly reference?: boolean
  /** Told of each request: its method, the pattern of its route, its status and how long it took. Default nobody. */
  readonly logger?: Logger
  /** Measures requests: `openTelemetry()` of `billfold/opentelemetry`. */
  readonly instrumentation?: RequestInstrumentation
  /** Told of what is answered with 500. Default: the `logger`, or the console. */
  readonly onError?: (error: unknown, requestId: string) => void
}

/**
 * The routes of billing as one `Request → Response`.
 *
 * @throws TypeError without `identify`
 * @example export const POST = createHandler(billing, { identify }), GET = POST
 */
export function createHandler<C extends Catalog>(billing: ServedBilling<C>, options: HandlerOptions): BillingHandler {
  if (typeof options?.identify !== 'function')
    throw new TypeError('createHandler: give `identify`, which says who calls.')
  const { basePath = '/api/billing', allowedOrigins = [] } = options
  const served: Served = {
    // Names on the wire are looked up in the catalog when a request has them.
    billing: billing as unknown as ServedBilling,
    wire: resolveWire(options.wire),
    identify: options.identify,
    allowedOrigins,
    limits: bodyLimitsOf(options),
    publishableKey: options.stripe?.publishableKey ?? null,
    returnUrls: options.returnUrls ?? null,
    eventStreams: options.eventStreams ?? {},
    fetch: options.fetch ?? globalThis.fetch,
    rates: createRateLimits({ ...options.rateLimits }),
    reference: options.reference === true,
    logger: options.logger ?? null,
    instrumentation: options.instrumentation ?? null,
    onError: options.onError ?? failuresTo(options.logger),
  }
  return serve(served, basePath, about, (app) => {
    for (const add of routes) add(app, served)
  })
}

const about = { title: 'Billing', description: 'Usage, credits, subscriptions, invoices and payments.' }

/** In this order, in which the first that fits is taken. */
const routes = [
  addHealthRoutes,
  addConfigRoutes,
  addAccountRoutes,
  addAccountPaymentMethodRoutes,
  addSubscriptionRoutes,
  addCheckoutRoutes,
  addPlanRoutes,
  addPortalRoutes,
  addInvoiceRoutes,
  addInvoicePdfRoutes,
  addUsageDashboardRoutes,
  addUsageRoutes,
  addUsageEventRoutes,
  addCostRoutes,
  addExplanationRoutes,
  addCreditRoutes,
  addCreditPackageRoutes,
  addPaymentRoutes,
  addManualPaymentRoutes,
  addPaymentMethodRoutes,
  addApiKeyRoutes,
  addEventRoutes,
  addWebhookRoutes,
]
