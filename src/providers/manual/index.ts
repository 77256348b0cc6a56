import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CheckoutCapability } from '../../core/ports/capabilities/checkout.js'
import type { Invoice } from '../../core/ports/capabilities/invoices.js'
import type { PaymentMethodsCapability } from '../../core/ports/capabilities/payment-methods.js'
import type { Provider } from '../../core/ports/provider.js'
import type { Store } from '../../core/ports/store.js'
import { createArchive } from './archive.js'
import { manualCheckout } from './checkout.js'
import { type ManualInvoiceVerbs, manualInvoices } from './invoices.js'
import { type Buyer, issuing } from './issue.js'
import { manualPaymentMethods } from './payment-methods.js'
import { type ManualPaymentVerbs, manualPayments } from './payments.js'
import { type ManualSubscriptionVerbs, manualSubscriptions } from './subscriptions.js'
import type { TaxRate } from './taxes.js'

export type { ManualInvoiceVerbs } from './invoices.js'
export type { Buyer } from './issue.js'
export type { ManualPaymentVerbs } from './payments.js'
export type { ManualSubscriptionVerbs } from './subscriptions.js'
export type { TaxRate } from './taxes.js'

/** A way to pay that somebody looks at by hand. */
export interface ManualMethod {
  /** Your word for it: `bank_transfer`, `cheque`, `cash`. */
  readonly type: string
  /** ISO 3166-1 alpha-2, in capitals; without them everywhere. */
  readonly countries?: readonly string[]
  /** ISO 4217, in capitals; without them all. */
  readonly currencies?: readonly string[]
}

/** Payments that come by themselves and that somebody approves: bank transfer and the like. See docs/providers/manual.md. */
export interface ManualProviderOptions {
  /** The store of `createBilling`: invoices and payments are kept there. */
  readonly store: Store
  /** What the customer has to do to pay: account, bank, reference. */
  readonly instructions: string | ((invoice: Invoice) => string)
  /** How can be paid. Default: by `bank_transfer`, everywhere. */
  readonly methods?: readonly ManualMethod[]
  /** Who sells, as it is printed, a line each. */
  readonly seller?: readonly string[]
  /** Who buys, as it is printed, and other taxes for them. Default: the id of the account. */
  readonly buyer?: (accountId: string) => Buyer | Promise<Buyer>
  /** What is added to what is sold. Default: nothing. */
  readonly taxes?: readonly TaxRate[]
  /** How many days there are to pay. Default 14. */
  readonly dueDays?: number
  /** The series of invoice numbers, each of which rises by one without gaps: one for ever, or one a year. Default `INV`. */
  readonly series?: string | ((at: Date) => string)
  /** The address of your page for an invoice. Default: where the customer returns after a checkout. */
  readonly invoiceUrl?: (invoiceId: string) => string
  /** For tests and simulations: milliseconds since the epoch. */
  readonly now?: () => number
  /** The provider's name in your config and in stored records. Default `manual`. */
  readonly id?: string
}

export type ManualProvider = Provider<'checkout' | 'subscriptions' | 'invoices' | 'payments' | 'payment-methods'> & {
  readonly checkout: Required<CheckoutCapability>
  readonly subscriptions: ManualSubscriptionVerbs
  readonly invoices: ManualInvoiceVerbs
  readonly payments: ManualPaymentVerbs
  readonly 'payment-methods': PaymentMethodsCapability & Required<Pick<PaymentMethodsCapability, 'available'>>
}

/**
 * Offline payments as a provider.
 *
 * @example const manual = manualProvider({ store, instructions: 'Transfer the amount to DE02 1203 0000 0000 2020 51.' })
 * @throws BillingError `config_invalid`
 */
export function manualProvider(options: ManualProviderOptions): ManualProvider {
  const { id, dueDays, methods, taxes } = parseOptions(options)
  const { store, instructions, buyer, series, invoiceUrl, seller = [], now = Date.now } = options
  const archive = createArchive(store, id)
  const issue = issuing(archive, {
    seller,
    taxes,
    dueDays,
    now,
    buyer: buyer ?? ((accountId) => ({ lines: [accountId] })),
    series: typeof series === 'function' ? series : () => series ?? 'INV',
    invoiceUrl: (invoiceId) => invoiceUrl?.(invoiceId) ?? null,
  })
  const rules = { now, instructions: typeof instructions === 'function' ? instructions : () => instructions }
  return {
    id,
    checkout: manualCheckout(archive, issue, rules),
    subscriptions: manualSubscriptions(archive, now),
    invoices: manualInvoices(archive, issue, rules),
    payments: manualPayments(archive, { now, methods: new Set(methods.map(({ type }) => type)) }),
    'payment-methods': manualPaymentMethods(
      methods.map(({ type, countries = null, currencies = null }) => ({
        type,
        uses: ['payment'],
        countries,
        currencies,
      })),
    ),
  }
}

const code = (length: number) => z.string().regex(new RegExp(`^[A-Z]{${length}}$`), `must be ${length} capitals`)
const optionsSchema = z.object({
  id: z.string().min(1).default('manual'),
  dueDays: z.int().min(0).max(3_650).default(14),
  instructions: z.union([z.string().min(1), z.function()]),
  series: z.union([z.string().regex(/^[A-Za-z0-9/-]{1,20}$/), z.function()]).optional(),
  taxes: z
    .array(z.object({ name: z.string().min(1), rate: z.string().regex(/^\d{1,3}(\.\d{1,6})?$/, 'must be percent') }))
    .default([]),
  methods: z
    .array(
      z.object({
        type: z.string().regex(/^[a-z][a-z0-9_]{0,49}$/, 'must be a word such as bank_transfer'),
        countries: z.array(code(2)).optional(),
        currencies: z.array(code(3)).optional(),
      }),
    )
    .min(1)
    .default([{ type: 'bank_transfer' }]),
})

function parseOptions(options: ManualProviderOptions) {
  const parsed = optionsSchema.safeParse(options)
  const isStore = typeof options.store === 'object' && options.store !== null && 'records' in options.store
  if (parsed.success && isStore) return parsed.data
  const [issue] = parsed.error?.issues ?? []
  const option = issue?.path.join('.') ?? 'store'
  const message = issue?.message ?? 'must be the store of createBilling'
  throw new BillingError('config_invalid', `manualProvider(): ${option} ${message}.`, { details: { option } })
}
