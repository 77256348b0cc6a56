import { balanceTransactionRoutes } from './balance-transaction-routes.js'
import { chargeRoutes } from './charges.js'
import { couponRoutes } from './coupon-routes.js'
import { disputeRoutes } from './dispute-routes.js'
import { invoiceItemRoutes } from './invoice-item-routes.js'
import { invoicePaymentRoutes } from './invoice-payments.js'
import { invoiceRoutes } from './invoice-routes.js'
import { invoiceStepRoutes } from './invoice-step-routes.js'
import { paymentIntentRoutes } from './payment-intent-routes.js'
import { paymentMethodConfigurationRoutes } from './payment-method-configurations.js'
import { paymentMethodRoutes } from './payment-method-routes.js'
import { refundRoutes } from './refund-routes.js'
import type { StripeRoute } from './route.js'
import { setupIntentRoutes } from './setup-intent-routes.js'
import { taxRateRoutes } from './tax-rate-routes.js'

/** Everything about money: how it is asked for, taken and given back. */
export const paymentRoutes: readonly StripeRoute[] = [
  ...paymentMethodRoutes,
  ...paymentMethodConfigurationRoutes,
  ...setupIntentRoutes,
  ...paymentIntentRoutes,
  ...chargeRoutes,
  ...refundRoutes,
  ...disputeRoutes,
  ...balanceTransactionRoutes,
  ...invoiceRoutes,
  ...invoiceStepRoutes,
  ...invoiceItemRoutes,
  ...invoicePaymentRoutes,
  ...couponRoutes,
  ...taxRateRoutes,
]
