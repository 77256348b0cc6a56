import { billableMetricRoutes } from './billable-metrics.js'
import { creditNoteRoutes } from './credit-note-routes.js'
import { customerRoutes } from './customers.js'
import { eventRoutes } from './event-routes.js'
import { feeEstimateRoutes } from './fee-estimates.js'
import { invoiceRoutes } from './invoice-routes.js'
import { oneOffRoutes } from './one-off-routes.js'
import { pageLinkRoutes } from './page-links.js'
import { paymentMethodRoutes } from './payment-methods.js'
import { paymentRoutes } from './payments.js'
import { planRoutes } from './plans.js'
import type { LagoRoute } from './route.js'
import { subscriptionRoutes } from './subscription-routes.js'
import { usageRoutes } from './usage-routes.js'
import { walletRoutes } from './wallet-routes.js'
import { webhookRoutes } from './webhook-routes.js'

/** What of Lago's API the twin has. */
export const routes: readonly LagoRoute[] = [
  ...customerRoutes,
  ...billableMetricRoutes,
  ...planRoutes,
  ...subscriptionRoutes,
  ...eventRoutes,
  ...usageRoutes,
  ...feeEstimateRoutes,
  ...invoiceRoutes,
  ...oneOffRoutes,
  ...paymentRoutes,
  ...paymentMethodRoutes,
  ...creditNoteRoutes,
  ...walletRoutes,
  ...pageLinkRoutes,
  ...webhookRoutes,
]
