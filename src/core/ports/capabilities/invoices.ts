import type { InvoiceStatus } from '../../domain/invoice.js'
import type { Money } from '../../domain/money.js'
import type { PaymentOutcome } from '../../domain/payment-outcome.js'
import type { Instant } from '../../domain/period.js'
import type { CallOptions } from '../call-options.js'
import type { Listed, ListPage } from '../page.js'

/** One thing that an invoice charges for. */
export interface InvoiceLine {
  readonly description: string
  /** Decimal text; `null` where it is not counted. */
  readonly quantity: string | null
  readonly amount: Money
  readonly startsAt: Instant | null
  readonly endsAt: Instant | null
  /** Whether it charges, or credits, a part of a period because of a change in it. */
  readonly isProration: boolean
  /** Our meter whose usage it charges for, where the provider says; its quantity is counted in Sparks then. */
  readonly meter?: string | null
  /** What one of the quantity costs, decimal text in whole units of the currency, where the provider says. */
  readonly unitPrice?: string | null
}

/** An invoice as it stands at the provider. Amounts are in its currency; `total` = `subtotal` − `discount` + `tax`. */
export interface Invoice {
  readonly externalId: string
  /** What people call it; `null` until it is final. */
  readonly number: string | null
  readonly customerId: string
  readonly subscriptionId: string | null
  readonly status: InvoiceStatus
  readonly subtotal: Money
  readonly discount: Money
  readonly tax: Money
  readonly total: Money
  /** Credits of the provider's that pay a part of it. */
  readonly creditsApplied: Money
  readonly amountDue: Money
  readonly amountPaid: Money
  readonly lines: readonly InvoiceLine[]
  readonly description: string | null
  readonly startsAt: Instant | null
  readonly endsAt: Instant | null
  readonly createdAt: Instant
  readonly finalizedAt: Instant | null
  readonly dueAt: Instant | null
  readonly paidAt: Instant | null
  readonly nextAttemptAt: Instant | null
  /** A page on which it can be read and paid. */
  readonly url: string | null
  /** What we told the provider with it, such as the sale it is for. */
  readonly intentId: string | null
  /** What `tax` is made of, where the provider says. */
  readonly taxes?: readonly InvoiceTax[]
  /** Who sells and who buys, as it is printed, a line each. */
  readonly seller?: readonly string[]
  readonly buyer?: readonly string[]
}

/** A tax on an invoice. */
export interface InvoiceTax {
  readonly name: string
  /** Percent, as decimal text. */
  readonly rate: string
  readonly amount: Money
}

/** What is charged next if nothing changes. */
export type InvoicePreview = Omit<
  Invoice,
  'externalId' | 'number' | 'finalizedAt' | 'paidAt' | 'createdAt' | 'url' | 'intentId' | 'taxes' | 'seller' | 'buyer'
>

/** An invoice's PDF: where it is, or when to ask again. */
export type InvoicePdf =
  | { readonly status: 'ready'; readonly url: string }
  /** Drawn here, where the provider has none. */
  | { readonly status: 'rendered'; readonly bytes: Uint8Array }
  | { readonly status: 'not_ready'; readonly retryAfterMs: number }

/** Which invoices to list. */
export interface InvoiceQuery extends ListPage {
  readonly customerId: string
  readonly status?: InvoiceStatus
  readonly subscriptionId?: string
}

/** One line of an invoice that we make. */
export interface BillLine {
  readonly description: string
  readonly amount: Money
}

/** An invoice to make for a sale. */
export interface BillRequest {
  readonly intentId: string
  readonly accountId: string
  readonly customerId: string
  readonly description: string | null
  /** What its lines come to. */
  readonly total: Money
  readonly lines: readonly BillLine[]
  /** When the sale was written: nothing was made for it before. */
  readonly requestedAt: Instant
}

/** Keeps invoices. What a provider cannot do is not on its object. */
export interface InvoicesCapability {
  /** A customer's invoices, newest first. */
  list(query: InvoiceQuery, options: CallOptions): Promise<Listed<Invoice>>
  /** @throws BillingError `not_found` */
  get(externalId: string, options: CallOptions): Promise<Invoice>
  /** What the customer's next invoice would be; `null` when there is nothing to charge. */
  upcoming?(
    query: { readonly customerId: string; readonly subscriptionId?: string },
    options: CallOptions,
  ): Promise<InvoicePreview | null>
  /** A draft of everything that is not on an invoice yet; `null` when there is nothing. */
  generate?(
    request: { readonly customerId: string; readonly description: string | null },
    options: CallOptions,
  ): Promise<Invoice | null>
  /**
   * A draft of exactly these lines for a sale of ours, which it names as `intentId`. At most one is made for a sale: asked again, however
   * late, it finds what it has made.
   */
  bill?(request: BillRequest, options: CallOptions): Promise<Invoice>
  /** Makes a draft final. @throws BillingError `not_found`, `invalid_state` */
  finalize?(externalId: string, options: CallOptions): Promise<Invoice>
  /**
   * Tries to collect it, with the customer's default payment method or the one named.
   *
   * @throws BillingError `not_found`, `invalid_state` (it is paid, void or a draft)
   */
  pay?(
    request: { readonly externalId: string; readonly paymentMethodId: string | null },
    options: CallOptions,
  ): Promise<{ readonly invoice: Invoice; readonly payment: PaymentOutcome }>
  /** @throws BillingError `not_found`, `invalid_state` */
  void?(externalId: string, options: CallOptions): Promise<Invoice>
  /** Gives it up: bad debt. @throws BillingError `not_found`, `invalid_state` */
  markUncollectible?(externalId: string, options: CallOptions): Promise<Invoice>
  /** @throws BillingError `not_found`, `invalid_state` (it is a draft) */
  pdf?(externalId: string, options: CallOptions): Promise<InvoicePdf>
}
