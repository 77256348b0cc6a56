export type { Days } from '../client/queries.js'
export { type BillingContextValue, useBilling } from './billing-context.js'
export type { AddPaymentMethodFormProps } from './components/add-payment-method-form.js'
export { ApiKeysPanel } from './components/api-keys-panel.js'
export { BillingOverview, type BillingOverviewProps } from './components/billing-overview.js'
export type { BuyCreditsDialogProps } from './components/buy-credits-dialog.js'
export { CheckoutCanceled, CheckoutResult, type CheckoutResultProps } from './components/checkout-result.js'
export { CostBreakdown, type CostBreakdownProps } from './components/cost-breakdown.js'
export { CreditBalance } from './components/credit-balance.js'
export type { InvoiceDetailsProps } from './components/invoice-details.js'
export { InvoiceList, type InvoiceListProps } from './components/invoice-list.js'
export { LedgerList } from './components/ledger-list.js'
export { LifetimePurchaseCard, type LifetimePurchaseCardProps } from './components/lifetime-purchase-card.js'
export { AddPaymentMethodForm, BuyCreditsDialog, InvoiceDetails, UpgradeDialog } from './components/on-demand.js'
export { PaymentMethodList } from './components/payment-method-list.js'
export { PricingTable, type PricingTableProps } from './components/pricing-table.js'
export { type MeterLimit, QuotaBar, type QuotaBarProps } from './components/quota-bar.js'
export { SubscriptionCard, type SubscriptionCardProps } from './components/subscription-card.js'
export type { UpgradeDialogProps } from './components/upgrade-dialog.js'
export { UsageCard, type UsageCardProps } from './components/usage-card.js'
export { UsageRecordList, type UsageRecordListProps } from './components/usage-record-list.js'
export { UsageTimeline, type UsageTimelineProps } from './components/usage-timeline.js'
export type { Format } from './format.js'
export { useApiKeys, useIssueApiKey, useRevokeApiKey, useRotateApiKey } from './hooks/use-api-keys.js'
export { useBillingAccount, useStripeConfig } from './hooks/use-billing-account.js'
export { type Sale, useCheckout, useCheckoutResult, usePortal } from './hooks/use-checkout.js'
export { useCostExport, useCosts } from './hooks/use-costs.js'
export { useCreditBalance, useCreditPackages, useCreditTransactions } from './hooks/use-credits.js'
export { useGenerateInvoice, useInvoice, useInvoicePdf, useInvoices, usePayInvoice } from './hooks/use-invoices.js'
export { useLiveUpdates } from './hooks/use-live-updates.js'
export {
  useAttachPaymentMethod,
  usePaymentMethods,
  useRemovePaymentMethod,
  useSetDefaultPaymentMethod,
} from './hooks/use-payment-methods.js'
export type { Read, ReadList, ReadOptions } from './hooks/use-read.js'
export {
  type ChangedSubscription,
  useCancelSubscription,
  useChangeSubscription,
  usePlans,
  usePreviewChange,
  useReactivateSubscription,
  useSubscription,
} from './hooks/use-subscription.js'
export { type UsageFilter, useExplanation, useUsage, useUsageDashboard, useUsageLimits } from './hooks/use-usage.js'
export type { Write } from './hooks/use-write.js'
export type { MessageKey, Messages, MessageValues, Plural, Translate } from './messages.js'
export { BillingProvider, type BillingProviderProps } from './provider.js'
export type { LoadStripe, StripeJs } from './stripe.js'
