import type { Catalog, MeterName } from './catalog.js'
import type { ConsumerOptions, EventHandler } from './consumers.js'
import type { BillingEventType } from './domain/event.js'
import type { Account, EnsureAccountInput, SuspendAccountInput, UpdateAccountInput } from './operations/accounts.js'
import type { AdjustCreditsInput, CreditChange, ExpireCreditsInput } from './operations/adjustments.js'
import type { AmendedUsage, AmendUsageInput, VoidUsageInput } from './operations/amendments.js'
import type {
  ApiKeyInput,
  ApiKeyView,
  IssueApiKeyInput,
  IssuedApiKey,
  RotateApiKeyInput,
  SetApiKeyBudgetInput,
  VerifiedApiKey,
} from './operations/api-keys.js'
import type { AuditEntry, AuditedAction, ListAuditInput } from './operations/audit.js'
import type { Authorization, AuthorizeInput } from './operations/authorize.js'
import type { AutoTopUpView, SetAutoTopUpInput } from './operations/auto-top-up.js'
import type { BudgetInput, BudgetView, SetBudgetInput } from './operations/budgets.js'
import type { AccountChange, ChangesInput } from './operations/changes.js'
import type { CreateCheckoutInput, CreatedCheckout } from './operations/checkout.js'
import type { CostSpanInput, CostSummary, CostTimeline, ExportCostsInput, ListCostsInput } from './operations/costs.js'
import type {
  CreditBalance,
  CreditTransaction,
  GrantCreditsInput,
  GrantedCredits,
  ListTransactionsInput,
} from './operations/credits.js'
import type { CustomerView } from './operations/customers.js'
import type { EraseAccountInput, ErasedAccount } from './operations/erase-account.js'
import type { ExplainInput, Explanation } from './operations/explain.js'
import type { FeatureView } from './operations/features.js'
import type { Captured, CaptureInput, ExtendInput, HoldInput, HoldView } from './operations/holds.js'
import type { ImportCustomersInput, ImportedCustomers } from './operations/import-customers.js'
import type { GrantInvoiceCreditInput, InvoiceCreditView } from './operations/invoice-credits.js'
import type { InvoicePreviewView, InvoiceView, PaidInvoice } from './operations/invoice-view.js'
import type { GenerateInvoiceInput, InvoiceInput, ListInvoicesInput, PayInvoiceInput } from './operations/invoices.js'
import type { Lease, LeaseInput } from './operations/lease.js'
import type { UsageLimits } from './operations/limits.js'
import type { ApprovePaymentInput, RejectPaymentInput, SubmitManualInput } from './operations/manual-payments.js'
import type { Metered, MeteredWork, MeterInput } from './operations/meter.js'
import type { LifetimePurchase } from './operations/owned-for-life.js'
import type { PackageView } from './operations/packages.js'
import type { Page, PageInput } from './operations/paging.js'
import type { ParityInput, ParityReport } from './operations/parity.js'
import type {
  AttachPaymentMethodInput,
  AvailableMethodsInput,
  OfferedMethodView,
  PaymentMethodInput,
  PaymentMethodView,
  UpdatePaymentMethodInput,
} from './operations/payment-methods.js'
import type { ListPaymentsInput, PaymentView, RefundPaymentInput, RefundView } from './operations/payments.js'
import type { PeriodUsageInput, PeriodUsageView } from './operations/period-usage.js'
import type { CreatePortalInput } from './operations/portal.js'
import type { PriceList } from './operations/price-list.js'
import type { CollectorView, PromoteInput, Promotion } from './operations/promote.js'
import type { ProviderCatalogChange } from './operations/provider-catalog.js'
import type { PullInput, PullReport } from './operations/pull-usage.js'
import type { PurchasedPackage, PurchasePackageInput } from './operations/purchase-package.js'
import type { QuotaView } from './operations/quota-view.js'
import type { Quote, QuoteInput } from './operations/quote.js'
import type { ReconcileInput, Reconciliation } from './operations/reconcile.js'
import type { Replayed, ReplayInput } from './operations/replay.js'
import type {
  CancelSubscriptionInput,
  ChangedSubscriptionView,
  ChangeSubscriptionInput,
  PreviewChangeInput,
  PreviewedChange,
  SubscriptionInput,
  SubscriptionView,
} from './operations/subscriptions.js'
import type { RunOptions, SyncReport, SyncStatus } from './operations/sync.js'
import type { BatchItem, RecordedUsage, RecordUsageInput } from './operations/usage.js'
import type { ListUsageInput, UsageDetail, UsageRecord } from './operations/usage-record.js'
import type { UsageSummary, UsageSummaryInput, UsageTimeline, UsageTimelineInput } from './operations/usage-summary.js'
import type { VerifiedCheckout } from './operations/verify-checkout.js'
import type { VerifyLedgerInput } from './operations/verify-ledger.js'
import type { WaitingPayment } from './operations/waiting-payments.js'
import type { HandledWebhook, WebhookInput } from './operations/webhooks.js'
import type { InvoicePdf } from './ports/capabilities/invoices.js'
import type { LedgerVerification } from './ports/ledger-verification.js'
import type { StoreHealth } from './ports/store.js'

/** An account, and nothing else. */
export interface AccountInput {
  readonly accountId: string
}

/** Who pays. */
export interface AccountVerbs {
  /** Gets the account, or makes it on the catalog's default plan. An e-mail or name given here replaces the one before. */
  ensure(input: EnsureAccountInput): Promise<Account & { readonly created: boolean }>
  /** The account. @throws BillingError `not_found` */
  get(input: AccountInput): Promise<Account>
  /** Changes who it is, its time zone, and what is agreed with it beside its plan. */
  update(input: UpdateAccountInput): Promise<Account>
  /** Stops it from starting new usage; what happened is still recorded. */
  suspend(input: SuspendAccountInput): Promise<Account>
  /** Lets it go on. */
  resume(input: SuspendAccountInput): Promise<Account>
  /** For operators: the accounts that have an e-mail, by id; at most a hundred. */
  find(input: { readonly email: string }): Promise<readonly Account[]>
  /** Forgets whose it is, and keeps its books. Harmless to repeat. */
  erase(input: EraseAccountInput): Promise<ErasedAccount>
  /** What the providers call it. */
  customers(input: AccountInput): Promise<readonly CustomerView[]>
  /** The plans it has bought for life and not been paid back, newest first. */
  lifetimePurchases(input: AccountInput): Promise<readonly LifetimePurchase[]>
}

/** What accounts have to spend. */
export interface CreditVerbs<C extends Catalog = Catalog> {
  /** What an account has, in micro-sparks, with its open grants in the order they burn. */
  balance(input: AccountInput): Promise<CreditBalance>
  /** Gives credits; what the account owes is paid first. */
  grant(input: GrantCreditsInput): Promise<GrantedCredits>
  /** Corrects a balance by hand, or takes back what a transaction did. */
  adjust(input: AdjustCreditsInput): Promise<CreditChange>
  /** Ends what is left of a grant before its time. */
  expire(input: ExpireCreditsInput): Promise<CreditChange>
  /** Every change of the balance, newest first, a page at a time. */
  transactions(input: ListTransactionsInput): Promise<Page<CreditTransaction>>
  readonly packages: {
    /** What is on sale, the cheapest first. */
    list(): Promise<readonly PackageView[]>
  }
  readonly autoTopUp: {
    /** When an account asks for a top-up, or `null`. */
    get(input: AccountInput): Promise<AutoTopUpView | null>
    /** Says when it does, and how often at most; `null` ends it. */
    set(input: SetAutoTopUpInput<C>): Promise<AutoTopUpView | null>
  }
}

/** What was used. */
export interface UsageVerbs {
  /** One recorded event as it stands now, with how its deliveries stand. */
  get(input: AccountInput & { readonly id: string }): Promise<UsageDetail>
  /** Recorded usage, newest first, a page at a time. */
  list(input: ListUsageInput): Promise<Page<UsageRecord>>
  /** Sums over whole UTC days by meter, provider, model, day and a dimension; default this month until now. */
  summary(input: UsageSummaryInput): Promise<UsageSummary>
  /** One sum for each day, zeros included. */
  timeline(input: UsageTimelineInput): Promise<UsageTimeline>
  /** What the account may use, and how much of it is used: of meters and budgets. */
  limits(input: AccountInput): Promise<UsageLimits>
  /** Replaces what an event measured, in the period it happened in. */
  amend(input: AmendUsageInput): Promise<AmendedUsage>
  /** Takes an event back. */
  void(input: VoidUsageInput): Promise<AmendedUsage>
}

/** What usage cost before margin. */
export interface CostVerbs {
  /** By provider, model and day; default this month until now. */
  summary(input: CostSpanInput): Promise<CostSummary>
  /** Day by day, zeros included. */
  timeline(input: CostSpanInput): Promise<CostTimeline>
  /** Recorded usage that has a cost, newest first, a page at a time. */
  list(input: ListCostsInput): Promise<Page<UsageRecord>>
  /** The same as a table, a chunk of text at a time. */
  export(input: ExportCostsInput): AsyncIterable<string>
}

/** What may be charged in a period to an account, and to a key, user or other dimension within it. */
export interface BudgetVerbs {
  /** Sets a budget; a limit of `null` takes it away. */
  set(input: SetBudgetInput): Promise<BudgetView | null>
  /** One budget as it stands now, or `null` where there is none. */
  get(input: BudgetInput): Promise<BudgetView | null>
  /** All budgets of the account, a page at a time. */
  list(input: AccountInput & PageInput): Promise<Page<BudgetView>>
}

/** Keys by which programs of an account are known. */
export interface ApiKeyVerbs {
  /** Makes a key. Its secret is in this answer and nowhere else; the answer to a repeat has none. */
  issue(input: IssueApiKeyInput): Promise<IssuedApiKey>
  /** Whose key this is, and what it may do. What is no key, or none any more, is not told apart. */
  verify(input: { readonly key: string }): Promise<VerifiedApiKey>
  /** One key. */
  get(input: ApiKeyInput): Promise<ApiKeyView>
  /** The keys of the account, newest first, a page at a time; those that have ended too. */
  list(input: AccountInput & PageInput): Promise<Page<ApiKeyView>>
  /** Gives it another secret; those before it go on for a while. */
  rotate(input: RotateApiKeyInput): Promise<IssuedApiKey>
  /** Ends it at once, with all its secrets. Harmless to repeat. */
  revoke(input: ApiKeyInput): Promise<ApiKeyView>
  /** Sets what may be charged with it in a period; `null` takes the budget away. */
  setBudget(input: SetApiKeyBudgetInput): Promise<ApiKeyView>
}

/** Who did what for the house. */
export interface AuditVerbs {
  /** Does something between a record of who asked for it and one of what came of it; what cannot be recorded is not done. */
  run<T>(action: AuditedAction, work: () => Promise<T>): Promise<T>
  /** What was done, newest first, a page at a time: about one account, or all. */
  list(input?: ListAuditInput): Promise<Page<AuditEntry>>
}

/** What an account's plan and terms switch on, set, or let it use. */
export interface FeatureVerbs {
  /** Whether the account has a feature; what nobody knows is `false`. */
  has(input: AccountInput & { readonly feature: string }): Promise<boolean>
  /** Its features by name. */
  list(input: AccountInput): Promise<readonly FeatureView[]>
}

/** Deliveries and webhooks in the background. */
export interface SyncVerbs {
  /**
   * Delivers and applies in the background until the service is closed or the signal says stop. With a signal it keeps the process
   * alive until then, for processes that do nothing else; without one it does not. With `once` it does what is due and ends.
   */
  run(options?: RunOptions): Promise<void>
  /** Does what is due now, for tests and for hosts that end after a response. */
  flush(options?: { readonly timeoutMs?: number }): Promise<SyncReport>
  /** How many deliveries and webhook events wait, and how many were given up. */
  status(): Promise<SyncStatus>
  /** Lets what was given up be tried again from the beginning: all of it, or what is named. */
  replay(input?: ReplayInput): Promise<Replayed>
}

/** What every app has, whatever its providers. */
export interface BillingCore<C extends Catalog = Catalog> {
  readonly accounts: AccountVerbs
  /**
   * Records one fact of consumption: rates it, debits it, counts it, and queues it for the providers, in one durable step.
   * Idempotent by `idempotencyKey`. By default nothing refuses it: what nothing covers is debt.
   */
  recordUsage(input: RecordUsageInput<C>): Promise<RecordedUsage>
  /** Records up to 1,000 events; one malformed event fails the call before anything is written, otherwise each has a result of its own, in order. */
  recordUsageBatch(input: {
    readonly events: readonly Omit<RecordUsageInput<C>, 'transaction'>[]
  }): Promise<readonly BatchItem[]>
  /** Asks whether usage would be let through, reserving nothing; a refusal names its remedies. */
  authorize(input: AuthorizeInput<C>): Promise<Authorization>
  /** Reserves credits before work begins, so that it cannot overspend; ends by `capture`, `release` or expiry. */
  hold(input: HoldInput<C>): Promise<HoldView>
  /** Gives a hold more time, and reserves more for it. */
  extend(input: ExtendInput): Promise<HoldView>
  /** Takes all or part of a hold and gives back the rest; on a meter, what was really used is recorded as usage. */
  capture(input: CaptureInput): Promise<Captured>
  /** Gives a hold back. */
  release(input: AccountInput & { readonly holdId: string; readonly idempotencyKey: string }): Promise<HoldView>
  /** Reserves credits, budgets and quota for this process, which then answers for them by itself, at once. */
  lease(input: LeaseInput<C>): Promise<Lease>
  /** Runs work between a hold and its capture: holds what it may use at most, and records what it used, also when it fails. */
  meter<T>(input: MeterInput<C>, work: (work: MeteredWork) => Promise<T>): Promise<Metered<T>>
  /** Where an account stands on a meter in its current period. */
  getQuota(input: AccountInput & { readonly meter: MeterName<C> }): Promise<QuotaView>
  readonly quotas: {
    /** Where it stands on each meter of the catalog. */
    list(input: AccountInput): Promise<readonly QuotaView[]>
  }
  readonly credits: CreditVerbs<C>
  readonly usage: UsageVerbs
  readonly costs: CostVerbs
  readonly budgets: BudgetVerbs
  readonly features: FeatureVerbs
  readonly apiKeys: ApiKeyVerbs
  readonly audit: AuditVerbs
  readonly sync: SyncVerbs
  /** What usage would cost at the prices of now. */
  quote(input: QuoteInput<C>): Promise<Quote>
  /** The catalog's meters and plans, and the price of a Spark. */
  priceList(): Promise<PriceList>
  /** Walks from anything with an id back to its cause, and works all of it out again from what is kept. @throws BillingError `not_found` */
  explain(input: ExplainInput): Promise<Explanation>
  /**
   * Works out all that is kept as a sum from the rows it is a sum of, by code that has no part in writing them, and answers every
   * difference. Changes nothing. @throws BillingError `not_found`
   */
  verifyLedger(input?: VerifyLedgerInput): Promise<LedgerVerification>
  /** Asks the store how it is. @throws BillingError `storage_unavailable` */
  health(): Promise<StoreHealth>
  /**
   * What changes of an account, as it changes: its balance and its events, for pages that are looked at. Every process sees what all do.
   * @throws BillingError `not_found`, `invalid_cursor`
   */
  changes(input: ChangesInput): AsyncIterable<AccountChange>
  /** Registers a durable consumer: each event from now on is handed to each consumer at least once. */
  on(consumer: string, type: BillingEventType, handler: EventHandler, options?: ConsumerOptions): void
  /** Stops the worker, waits for what was taken on, and closes the store. */
  close(): Promise<void>
}

/** How credit packages are bought. */
export interface PackageVerbs<C extends Catalog = Catalog> {
  /** Buys one on a hosted page, or at once with a stored payment method. */
  purchase(input: PurchasePackageInput<C>): Promise<PurchasedPackage>
}

/** What apps with a checkout provider have. */
export interface CheckoutVerbs<C extends Catalog = Catalog> {
  readonly credits: { readonly packages: PackageVerbs<C> }
  /** Creates a hosted page to pay on; a double click gives one page. */
  createCheckout(input: CreateCheckoutInput<C>): Promise<CreatedCheckout>
  /** The true status of a checkout, read from the provider; gives what was paid for, once. */
  verifyCheckout(
    input:
      | { readonly accountId: string; readonly checkoutId: string }
      | { readonly accountId: string; readonly sessionId: string },
  ): Promise<VerifiedCheckout>
  /** Takes over the customers that the provider has already, with their subscriptions. */
  importCustomers(input?: ImportCustomersInput): Promise<ImportedCustomers>
}

/** What apps with a portal provider have. */
export interface PortalVerbs {
  /** Creates a hosted page on which the customer manages payment methods and subscriptions. */
  createPortal(input: CreatePortalInput): Promise<{ readonly url: string }>
}

/** What apps with a provider of subscriptions have. */
export interface SubscriptionVerbs<C extends Catalog = Catalog> {
  readonly subscriptions: {
    /** The subscription that is going on, or the one named; `null` when there is none going on. */
    get(input: SubscriptionInput): Promise<SubscriptionView | null>
    /** Every subscription of the account, newest first. */
    list(input: AccountInput): Promise<readonly SubscriptionView[]>
    /** Puts it on another plan or number of seats, now or at the end of its period. */
    change(input: ChangeSubscriptionInput<C>): Promise<ChangedSubscriptionView>
    /** What a change made now would charge. */
    previewChange(input: PreviewChangeInput<C>): Promise<PreviewedChange>
    /** Ends it with its period, or now. */
    cancel(input: CancelSubscriptionInput): Promise<SubscriptionView>
    /** Takes back that it ends or changes with its period. */
    reactivate(input: SubscriptionInput): Promise<SubscriptionView>
    /** Stops charging and granting until it is resumed. */
    pause(input: SubscriptionInput): Promise<SubscriptionView>
    /** Lets a paused one go on. */
    resume(input: SubscriptionInput): Promise<ChangedSubscriptionView>
  }
}

/** What apps with a provider of invoices have. */
export interface InvoiceVerbs {
  /** The invoices of an account, newest first, a page at a time. */
  listInvoices(input: ListInvoicesInput): Promise<Page<InvoiceView>>
  readonly invoices: {
    /** One invoice as it stands now. */
    get(input: InvoiceInput): Promise<InvoiceView>
    /** Where its PDF is, or when to ask again. */
    pdf(input: InvoiceInput): Promise<InvoicePdf>
    /** What the next one would be, or `null`. */
    upcoming(input: AccountInput): Promise<InvoicePreviewView | null>
    /** Makes one of everything that waits at the provider, or answers `null`. */
    generate(input: GenerateInvoiceInput): Promise<InvoiceView | null>
    /** Makes a draft final. */
    finalize(input: InvoiceInput): Promise<InvoiceView>
    /** Tries to collect it; a decline is an answer. */
    pay(input: PayInvoiceInput): Promise<PaidInvoice>
    /** Takes it back: nothing is owed any more. */
    void(input: InvoiceInput): Promise<InvoiceView>
    /** Gives it up: bad debt. */
    markUncollectible(input: InvoiceInput): Promise<InvoiceView>
  }
}

/** What apps have whose provider of invoices takes money off them before it charges. */
export interface InvoiceCreditVerbs {
  readonly invoiceCredits: {
    /** Gives an account money for what it is charged for usage; no credit of the ledger. */
    grant(input: GrantInvoiceCreditInput): Promise<InvoiceCreditView>
    /** What it was given, newest first. */
    list(input: AccountInput): Promise<readonly InvoiceCreditView[]>
    /** What is left of it, by currency. */
    balance(input: AccountInput): Promise<readonly { readonly currency: string; readonly amount: string }[]>
    /** Takes back what is left of one. */
    end(input: AccountInput & { readonly id: string }): Promise<InvoiceCreditView>
  }
}

/** What apps with a provider of payments have. */
export interface PaymentVerbs {
  readonly payments: {
    /** The payments of an account, newest first, a page at a time. */
    list(input: ListPaymentsInput): Promise<Page<PaymentView>>
    /** One payment as it stands now. */
    get(input: AccountInput & { readonly id: string }): Promise<PaymentView>
    /** Gives back all or part of it, and takes back that share of the credits it bought. */
    refund(input: RefundPaymentInput): Promise<RefundView>
  }
}

/** What apps have whose provider of payments takes such as come by themselves, and are approved by hand. */
export interface ManualPaymentVerbs {
  readonly payments: {
    /** Takes the customer's word that an invoice was paid; waits for approval. */
    submitManual(input: SubmitManualInput): Promise<PaymentView>
    /** For operators: what waits for approval of all accounts, newest first, a page at a time. */
    waiting(input?: PageInput): Promise<Page<WaitingPayment>>
    /** For operators: the money has come, all or a part; gives what was sold once all of it has. */
    approve(input: ApprovePaymentInput): Promise<PaymentView>
    /** For operators: the money has not come. */
    reject(input: RejectPaymentInput): Promise<PaymentView>
  }
}

/** What apps with a provider of payment methods have. */
export interface PaymentMethodVerbs {
  readonly paymentMethods: {
    /** What the account can pay with, newest first. */
    list(input: AccountInput): Promise<readonly PaymentMethodView[]>
    /** What it could pay with: what the provider is set to offer, by use and country. */
    available(input: AvailableMethodsInput): Promise<readonly OfferedMethodView[]>
    /** One of them. */
    get(input: PaymentMethodInput): Promise<PaymentMethodView>
    /** Adds one that the provider's own form made. */
    attach(input: AttachPaymentMethodInput): Promise<PaymentMethodView>
    /** Changes name, e-mail or expiry. */
    update(input: UpdatePaymentMethodInput): Promise<PaymentMethodView>
    /** Makes it the one that is charged when none is named. */
    setDefault(input: PaymentMethodInput): Promise<PaymentMethodView>
    /** Takes it away. */
    remove(input: PaymentMethodInput): Promise<void>
  }
}

/** What apps have whose provider keeps meters, products and prices. */
export interface CatalogVerbs {
  readonly catalog: {
    /** What `apply` would change at the providers. */
    plan(): Promise<readonly ProviderCatalogChange[]>
    /** Makes meters, products and prices at the providers fit the catalog. */
    apply(): Promise<readonly ProviderCatalogChange[]>
  }
}

/** What apps have with a provider that is told of usage. */
export interface MeteringVerbs {
  readonly metering: {
    /** Who collects what an account uses beyond allowance and credits, and who is to from its next period on. */
    collector(input: AccountInput): Promise<CollectorView>
    /** Has a provider collect from each account's next period on. */
    promote(input: PromoteInput): Promise<Promotion>
    /** Compares what the providers counted, with each other and with what they were told. */
    parity(input?: ParityInput): Promise<ParityReport>
    /** What a provider charges an account for usage, by the provider's own billing periods. */
    usage(input: PeriodUsageInput): Promise<readonly PeriodUsageView[]>
  }
}

/** What apps have whose provider keeps traces. */
export interface PullVerbs {
  readonly sync: {
    /**
     * Reads traces and records them as usage, each once however often it is read; what changed since is billed as the difference. Without
     * a time it goes on where it stopped.
     */
    pull(input?: PullInput): Promise<PullReport>
  }
}

/** What apps with any provider have. */
export interface IntegrationVerbs<Id extends string = string> {
  readonly webhooks: {
    /** Takes a webhook: checked on its raw bytes, stored once, then acknowledged; its effect follows. */
    handle(providerId: Id, input: WebhookInput): Promise<HandledWebhook>
  }
  /**
   * Compares what is kept here with what the providers have, both ways; puts right what can be and answers all that differed. Once a day
   * is enough.
   */
  reconcile(input?: ReconcileInput): Promise<Reconciliation>
}
