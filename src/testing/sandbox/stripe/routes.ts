import { checkoutRoutes } from './checkout.js'
import { creditRoutes } from './credit-routes.js'
import { customerRoutes } from './customers.js'
import { eventDestinationRoutes } from './event-destination-routes.js'
import { eventSummaryRoutes } from './event-summaries.js'
import { eventRoutes, webhookEndpointRoutes } from './events.js'
import { meterEventRoutes } from './meter-event-routes.js'
import { meterRoutes } from './meters.js'
import { paymentRoutes } from './payment-routes.js'
import { portalRoutes } from './portal.js'
import { priceRoutes } from './price-routes.js'
import { productRoutes } from './products.js'
import type { StripeRoute } from './route.js'
import { searchRoutes } from './search-routes.js'
import { subscriptionItemRoutes } from './subscription-item-routes.js'
import { subscriptionPreviewRoutes } from './subscription-preview.js'
import { subscriptionRoutes } from './subscription-routes.js'
import { subscriptionScheduleRoutes } from './subscription-schedule-routes.js'
import { testClockRoutes } from './test-clock-routes.js'

/** Every operation of the API; the first that matches an address is the one. */
export const routes: readonly StripeRoute[] = [
  // Before the addresses of single objects.
  ...searchRoutes,
  ...customerRoutes,
  ...productRoutes,
  ...priceRoutes,
  ...meterRoutes,
  ...eventSummaryRoutes,
  ...meterEventRoutes,
  ...checkoutRoutes,
  // Before the invoices: its address looks like that of one.
  ...subscriptionPreviewRoutes,
  ...paymentRoutes,
  ...subscriptionRoutes,
  ...subscriptionItemRoutes,
  ...subscriptionScheduleRoutes,
  ...portalRoutes,
  ...webhookEndpointRoutes,
  ...eventRoutes,
  ...eventDestinationRoutes,
  ...testClockRoutes,
  ...creditRoutes,
]
