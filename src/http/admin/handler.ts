import type { Catalog, Logger } from '../../index.js'
import type { ServedBilling } from '../billing.js'
import { bodyLimitsOf } from '../body.js'
import { failuresTo, type RequestInstrumentation } from '../observed.js'
import { type AddressRateLimit, createRateLimits, type RateLimit } from '../rate-limit.js'
import { type BillingHandler, serve } from '../serve.js'
import { addAccountRoutes } from './accounts.js'
import { addAuditRoutes } from './audit.js'
import { addCreditRoutes } from './credits.js'
import type { IdentifyOperator } from './operator.js'
import { addPaymentRoutes } from './payments.js'
import type { AdminServed } from './route.js'
import { addSyncRoutes } from './sync.js'

/** How often the operators' handler may be asked; each is counted by itself. */
export interface AdminRateLimits extends Omit<AddressRateLimit, 'webhookAddress'> {
  /** Requests of one operator. */
  readonly operator?: RateLimit
}

/** What the operators' handler is made of, beside the service. */
export interface AdminHandlerOptions {
  /** Which operator calls. Without an answer nobody is let in. Never the `identify` of your customers. */
  readonly identify: IdentifyOperator
  /** Where the routes begin; default `/api/billing-admin`. */
  readonly basePath?: string
  /** Origins whose pages may call with cookies, beside the handler's own; also those that CORS lets read. Default none. */
  readonly allowedOrigins?: readonly string[]
  /** The largest body that is read, in bytes; default 1 MiB. */
  readonly maximumBodyBytes?: number
  /** How long a body may take to come, in seconds; default 30. */
  readonly maximumBodySeconds?: number
  /** How often may be asked, by whom; default as often as anybody likes. */
  readonly rateLimits?: AdminRateLimits
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
 * What operators do, as one `Request → Response` apart from that of customers: credits by hand, approval of payments, refunds, suspension, keys,
 * what was given up, reconciliation, and who did what. Every change is recorded with its operator before it is made.
 *
 * @throws TypeError without `identify`
 * @example const admin = createAdminHandler(billing, { identify: (request) => staffOf(request) })
 */
export function createAdminHandler<C extends Catalog>(
  billing: ServedBilling<C>,
  options: AdminHandlerOptions,
): BillingHandler {
  if (typeof options?.identify !== 'function')
    throw new TypeError('createAdminHandler: give `identify`, which says which operator calls.')
  const { basePath = '/api/billing-admin', allowedOrigins = [] } = options
  const served: AdminServed = {
    billing: billing as unknown as ServedBilling,
    identifyOperator: options.identify,
    allowedOrigins,
    limits: bodyLimitsOf(options),
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

const about = {
  title: 'Billing operations',
  description: 'What operators do for accounts. Never to be reached by customers.',
}

const routes = [addAccountRoutes, addCreditRoutes, addPaymentRoutes, addSyncRoutes, addAuditRoutes]
