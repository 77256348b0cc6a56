// What talks to providers is loaded when it is first asked for: an app that only counts and charges need not carry it.
export { applyWebhook } from './operations/apply-webhook.js'
export { createCheckout } from './operations/checkout.js'
export { withoutGone } from './operations/gone-customer.js'
export { importCustomers } from './operations/import-customers.js'
export {
  endInvoiceCredit,
  grantInvoiceCredit,
  invoiceCreditBalance,
  listInvoiceCredits,
} from './operations/invoice-credits.js'
export {
  generateInvoice,
  getInvoice,
  invoicePdf,
  listInvoices,
  payInvoice,
  settleInvoice,
  upcomingInvoice,
} from './operations/invoices.js'
export { approvePayment, rejectPayment, submitManual } from './operations/manual-payments.js'
export { parity } from './operations/parity.js'
export {
  attachPaymentMethod,
  availablePaymentMethods,
  getPaymentMethod,
  listPaymentMethods,
  removePaymentMethod,
  setDefaultPaymentMethod,
  updatePaymentMethod,
} from './operations/payment-methods.js'
export { getPayment, listPayments, refundPayment } from './operations/payments.js'
export { periodUsage } from './operations/period-usage.js'
export { createPortal } from './operations/portal.js'
export { getCollector, promote } from './operations/promote.js'
export { applyCatalog, planCatalog } from './operations/provider-catalog.js'
export { pullUsage } from './operations/pull-usage.js'
export { purchasePackage } from './operations/purchase-package.js'
export { reconcile } from './operations/reconcile.js'
export { runTopUp } from './operations/run-top-up.js'
export {
  cancelSubscription,
  changeSubscription,
  getSubscription,
  listSubscriptions,
  previewSubscriptionChange,
  resumeSubscription,
  settleSubscription,
} from './operations/subscriptions.js'
export { verifyCheckout } from './operations/verify-checkout.js'
export { listWaitingPayments } from './operations/waiting-payments.js'
