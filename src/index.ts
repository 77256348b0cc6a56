export type { BillingService } from './core/billing-service.js'
export { createBilling } from './core/billing-service.js'
export type {
  Catalog,
  CatalogConfig,
  LifetimePlanName,
  MeterConfig,
  MeterName,
  PackageName,
  PlanName,
  SeatPlanName,
  SparksConfig,
  SubscriptionPlanName,
} from './core/catalog.js'
export { defaultMeters, defineCatalog } from './core/catalog.js'
export type { BillingConfig, Environment, ProviderRoles } from './core/config.js'
export type { ConsumerOptions, DeliveryAttempt, EventHandler } from './core/consumers.js'
export type { Aggregation } from './core/domain/aggregation.js'
export type { Budget, BudgetInterval, BudgetStatus } from './core/domain/budget.js'
export type {
  CatalogData,
  CreditPackage,
  Entitlement,
  Meter,
  Plan,
  PlanInterval,
  PlanPayment,
  RecurringCredits,
} from './core/domain/catalog.js'
export type { Burn, CreditGrant, GrantKind, GrantOrigin } from './core/domain/credit-grant.js'
export type { Decimal } from './core/domain/decimal.js'
export { type BillingEvent, type BillingEventType, billingEventTypes } from './core/domain/event.js'
export { type InvoiceStatus, invoiceStatuses } from './core/domain/invoice.js'
export type {
  AdjustCommand,
  AmendCommand,
  AuthorizeCommand,
  CaptureCommand,
  ChangePlanCommand,
  ChangeTermsCommand,
  ExcessPolicy,
  ExpireCommand,
  ExpireGrantCommand,
  ExtendCommand,
  GrantCommand,
  HoldCommand,
  LedgerCommand,
  RaiseBudgetCommand,
  RatedUsage,
  ReleaseCommand,
  ReversePaymentCommand,
  SetBudgetCommand,
  SuspendCommand,
  UsageCommand,
} from './core/domain/ledger/command.js'
export type { Gate } from './core/domain/ledger/entitlement.js'
export type {
  AuthorizeResult,
  Balance,
  EntryResult,
  HoldResult,
  HoldStatus,
  LedgerOutcome,
  Quota,
  Refusal,
  SettledBy,
  StoredResult,
  UsageResult,
  UsageSource,
} from './core/domain/ledger/outcome.js'
export type {
  AccountState,
  Collector,
  Counter,
  CounterAccount,
  EntryOperation,
  EntryUsage,
  Hold,
  LedgerEntry,
  LedgerRules,
  PaidPlan,
  Rollup,
} from './core/domain/ledger/state.js'
export type { AccountTerms, AutoTopUp } from './core/domain/ledger/terms.js'
export type { LedgerSnapshot } from './core/domain/ledger/view.js'
export type { Money } from './core/domain/money.js'
export {
  type DeclineReason,
  declineReasons,
  type PaymentOutcome,
  type PaymentStatus,
  paymentStatuses,
} from './core/domain/payment-outcome.js'
export type { Instant, Interval } from './core/domain/period.js'
export type { QuotaStatus } from './core/domain/quota.js'
export type {
  ContextPrice,
  ModelOverride,
  ModelRates,
  PoolPrices,
  PriceBook,
  PriceQuery,
  ServiceTier,
} from './core/domain/rating/price-book.js'
export type { EventRate, PeriodRate, Rate, RateTier } from './core/domain/rating/rate.js'
export type { CostDiscount, SparkPrice } from './core/domain/rating/spark-price.js'
export type { Remedy } from './core/domain/remedy.js'
export type { MicroSparks, MicroUnits } from './core/domain/sparks.js'
export { formatSparks, parseSparks } from './core/domain/sparks.js'
export type { BillingErrorOptions, ErrorCode, ErrorOutcome } from './core/errors.js'
export { BillingError, errorStatus } from './core/errors.js'
export { errorFields, type Instrumentation, type LogFields, type Logger } from './core/instrumentation.js'
export type { ModelConfig, ModelPriceConfig, PoolPriceConfig, PoolPricesConfig } from './core/model-config.js'
export type { AccountTermsInput, AccountTermsView, MeterTerms } from './core/operations/account-terms.js'
export type {
  Account,
  EnsureAccountInput,
  SuspendAccountInput,
  UpdateAccountInput,
} from './core/operations/accounts.js'
export type { AdjustCreditsInput, CreditChange, ExpireCreditsInput } from './core/operations/adjustments.js'
export type { AmendedUsage, AmendUsageInput, VoidUsageInput } from './core/operations/amendments.js'
export type {
  ApiKeyBudgetInput,
  ApiKeyInput,
  ApiKeyView,
  IssueApiKeyInput,
  IssuedApiKey,
  RotateApiKeyInput,
  SetApiKeyBudgetInput,
  VerifiedApiKey,
} from './core/operations/api-keys.js'
export type { AttributionInput } from './core/operations/attribution.js'
export type { AuditEntry, AuditedAction, ListAuditInput } from './core/operations/audit.js'
export type { Authorization, AuthorizeInput } from './core/operations/authorize.js'
export type { AutoTopUpInput, AutoTopUpView, SetAutoTopUpInput } from './core/operations/auto-top-up.js'
export type { BudgetInput, BudgetScope, BudgetView, SetBudgetInput } from './core/operations/budgets.js'
export type { AccountChange, ChangesInput } from './core/operations/changes.js'
export type {
  CheckoutReturn,
  CreateCheckoutInput,
  CreatedCheckout,
} from './core/operations/checkout.js'
export type {
  CostSpanInput,
  CostSum,
  CostSummary,
  CostTimeline,
  ExportCostsInput,
  ListCostsInput,
  ModelCostSum,
} from './core/operations/costs.js'
export type {
  CreditBalance,
  CreditGrantView,
  CreditTransaction,
  GrantCreditsInput,
  GrantedCredits,
  ListTransactionsInput,
} from './core/operations/credits.js'
export type { CustomerView } from './core/operations/customers.js'
export type { DaySpan, DaySpanInput } from './core/operations/day-span.js'
export { type Difference, type DifferenceKind, differenceKinds } from './core/operations/difference.js'
export type { EraseAccountInput, ErasedAccount } from './core/operations/erase-account.js'
export type {
  ExplainedCheckout,
  ExplainedEntry,
  ExplainedEvent,
  ExplainedGrant,
  ExplainedHold,
  ExplainedMove,
  ExplainedNotice,
  ExplainInput,
  Explanation,
} from './core/operations/explain.js'
export type {
  ExplainedChecks,
  ExplainedCost,
  ExplainedPrices,
  ExplainedReport,
  ExplainedShare,
  ExplainedUsage,
} from './core/operations/explain-usage.js'
export type {
  ExplainedBalance,
  ExplainedBurn,
  ExplainedDelivery,
  ExplainedPayment,
  GrantCause,
} from './core/operations/explained-parts.js'
export type { ExplainedPeriod, ExplainedPool, ExplainedRating } from './core/operations/explained-rating.js'
export type { FeatureView } from './core/operations/features.js'
export type { QuantityInput, SparksInput, TimeInput } from './core/operations/fields.js'
export type { Captured, CaptureInput, ExtendInput, HoldInput, HoldView } from './core/operations/holds.js'
export type { ImportCustomersInput, ImportedCustomers } from './core/operations/import-customers.js'
export type { GrantInvoiceCreditInput, InvoiceCreditView } from './core/operations/invoice-credits.js'
export type {
  InvoiceAction,
  InvoiceLineView,
  InvoicePreviewView,
  InvoiceView,
  PaidInvoice,
} from './core/operations/invoice-view.js'
export type {
  GenerateInvoiceInput,
  InvoiceInput,
  ListInvoicesInput,
  PayInvoiceInput,
} from './core/operations/invoices.js'
export type { Lease, LeaseInput } from './core/operations/lease.js'
export type { LeaseToken } from './core/operations/lease-token.js'
export type { MeterLimit, UsageLimits } from './core/operations/limits.js'
export type { ApprovePaymentInput, RejectPaymentInput, SubmitManualInput } from './core/operations/manual-payments.js'
export type { MeasureInput } from './core/operations/measure.js'
export type { Metered, MeteredWork, MeterInput, ReportedUsage } from './core/operations/meter.js'
export type { LifetimePurchase } from './core/operations/owned-for-life.js'
export type { PackageView } from './core/operations/packages.js'
export type { Page, PageInput } from './core/operations/paging.js'
export type { ParityInput, ParityReport, ParityRow } from './core/operations/parity.js'
export type {
  AttachPaymentMethodInput,
  AvailableMethodsInput,
  OfferedMethodView,
  PaymentMethodInput,
  PaymentMethodView,
  UpdatePaymentMethodInput,
} from './core/operations/payment-methods.js'
export type { ListPaymentsInput, PaymentView, RefundPaymentInput, RefundView } from './core/operations/payments.js'
export type { MeterPeriodUsage, PeriodUsageInput, PeriodUsageView } from './core/operations/period-usage.js'
export type { CreatePortalInput } from './core/operations/portal.js'
export type { PlanView, PriceList } from './core/operations/price-list.js'
export type { CollectorView, PromoteInput, Promotion } from './core/operations/promote.js'
export type { ProviderCatalogChange } from './core/operations/provider-catalog.js'
export type { PullInput, PullProblem, PullReport } from './core/operations/pull-usage.js'
export type { PurchasedPackage, PurchasePackageInput } from './core/operations/purchase-package.js'
export type { QuotaView } from './core/operations/quota-view.js'
export type { Quote, QuoteInput } from './core/operations/quote.js'
export type { ReconciledCounts, ReconcileInput, Reconciliation } from './core/operations/reconcile.js'
export type { RemedyView } from './core/operations/refusal.js'
export type { Replayed, ReplayInput } from './core/operations/replay.js'
export type { UsageSum } from './core/operations/rollup-sum.js'
export type {
  CancelSubscriptionInput,
  ChangedSubscriptionView,
  ChangeSubscriptionInput,
  PreviewChangeInput,
  PreviewedChange,
  SubscriptionInput,
  SubscriptionView,
} from './core/operations/subscriptions.js'
export type { RunOptions, SyncReport, SyncStatus } from './core/operations/sync.js'
export type { BatchItem, RecordedUsage, RecordUsageInput, UsageDelivery } from './core/operations/usage.js'
export type {
  ListUsageInput,
  UsageCorrection,
  UsageDetail,
  UsageFigures,
  UsageRecord,
} from './core/operations/usage-record.js'
export type {
  UsageSummary,
  UsageSummaryInput,
  UsageTimeline,
  UsageTimelineInput,
} from './core/operations/usage-summary.js'
export type { VerifiedCheckout } from './core/operations/verify-checkout.js'
export type { VerifyLedgerInput } from './core/operations/verify-ledger.js'
export type { WaitingPayment } from './core/operations/waiting-payments.js'
export type { HandledWebhook, WebhookInput } from './core/operations/webhooks.js'
export type { PlanConfig } from './core/plan-config.js'
export type { CallOptions } from './core/ports/call-options.js'
export type {
  CatalogCapability,
  CatalogChange,
  CountedMeter,
  ProviderCatalog,
} from './core/ports/capabilities/catalog.js'
export type {
  CheckoutCapability,
  CheckoutPage,
  CheckoutRequest,
  CheckoutSession,
  CheckoutStatus,
  PaymentCheckout,
  SetupCheckout,
  SubscriptionCheckout,
} from './core/ports/capabilities/checkout.js'
export type { Customer, CustomersCapability } from './core/ports/capabilities/customers.js'
export type { InvoiceCredit, InvoiceCreditsCapability } from './core/ports/capabilities/invoice-credits.js'
export type {
  BillLine,
  BillRequest,
  Invoice,
  InvoiceLine,
  InvoicePdf,
  InvoicePreview,
  InvoiceQuery,
  InvoicesCapability,
  InvoiceTax,
} from './core/ports/capabilities/invoices.js'
export type {
  CollectedCustomer,
  MeteringCapability,
  ReportOutcome,
  UsageReport,
} from './core/ports/capabilities/metering.js'
export type {
  MethodUse,
  OfferedMethod,
  PaymentMethod,
  PaymentMethodChange,
  PaymentMethodsCapability,
} from './core/ports/capabilities/payment-methods.js'
export type {
  Charged,
  ChargeRequest,
  Dispute,
  DisputeStatus,
  PaymentQuery,
  PaymentsCapability,
  ProviderPayment,
  Refund,
  RefundStatus,
  SubmittedPayment,
} from './core/ports/capabilities/payments.js'
export type { PlanPrice } from './core/ports/capabilities/plan-price.js'
export type { PortalCapability, PortalFlow, PortalRequest } from './core/ports/capabilities/portal.js'
export type {
  ChangedSubscription,
  Subscription,
  SubscriptionChange,
  SubscriptionStatus,
  SubscriptionsCapability,
} from './core/ports/capabilities/subscriptions.js'
export type { TraceObservation, TracePage, TraceQuery, TracesCapability } from './core/ports/capabilities/traces.js'
export type { TracedUsage, TracingCapability } from './core/ports/capabilities/tracing.js'
export type {
  PeriodUsage,
  UsagePart,
  UsagePeriods,
  UsageReportsCapability,
  UsageTotalQuery,
} from './core/ports/capabilities/usage-reports.js'
export type {
  RefusedUsage,
  VerifiedWebhook,
  WebhookRequest,
  WebhookSubject,
  WebhooksCapability,
} from './core/ports/capabilities/webhooks.js'
export type { InvoiceRenderer } from './core/ports/invoice-renderer.js'
export type {
  LedgerCheck,
  LedgerFinding,
  LedgerVerification,
  LedgerVerificationScope,
} from './core/ports/ledger-verification.js'
export type { Listed, ListPage } from './core/ports/page.js'
export type { AnyProvider, Capabilities, Capability, Provider } from './core/ports/provider.js'
export type {
  AccountRecord,
  AccountStore,
  ApiKeyChange,
  ApiKeyRecord,
  ApiKeySecret,
  ApiKeyStore,
  CheckoutIntent,
  ClaimedInboxEvent,
  ClaimOptions,
  DeadInboxEvent,
  Delivery,
  DeliveryState,
  DeliveryStatus,
  DirectoryStore,
  EntryPage,
  InboxEvent,
  InboxStore,
  IntentStatus,
  IntentStore,
  JoinedOutcome,
  KnownApiKey,
  LedgerStore,
  NewApiKey,
  NewApiKeySecret,
  News,
  NewsQuery,
  OutboxStore,
  PriceStore,
  PulledItem,
  PullStore,
  RecordPage,
  RecordStore,
  ReportState,
  Restatement,
  Settlement,
  Store,
  StoredBalance,
  StoredRecord,
  StoreHealth,
  StrandedDelivery,
  UsageFilter,
} from './core/ports/store.js'
export type { PullConfig } from './core/pull-config.js'
export type { RateConfig, RateTierConfig } from './core/rate-config.js'
export type {
  AccountInput,
  AccountVerbs,
  ApiKeyVerbs,
  AuditVerbs,
  BillingCore,
  BudgetVerbs,
  CatalogVerbs,
  CheckoutVerbs,
  CostVerbs,
  CreditVerbs,
  FeatureVerbs,
  IntegrationVerbs,
  InvoiceCreditVerbs,
  InvoiceVerbs,
  ManualPaymentVerbs,
  MeteringVerbs,
  PackageVerbs,
  PaymentMethodVerbs,
  PaymentVerbs,
  PortalVerbs,
  PullVerbs,
  SubscriptionVerbs,
  SyncVerbs,
  UsageVerbs,
} from './core/verbs.js'
