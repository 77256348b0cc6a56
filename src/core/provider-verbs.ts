import type { Catalog } from './catalog.js'
import type { EventHandler } from './consumers.js'
import type { BillingContext } from './context.js'
import type {
  CatalogVerbs,
  CheckoutVerbs,
  InvoiceCreditVerbs,
  InvoiceVerbs,
  PackageVerbs,
  PaymentMethodVerbs,
  PaymentVerbs,
  PortalVerbs,
  PullVerbs,
  SubscriptionVerbs,
} from './verbs.js'

const load = () => import('./provider-operations.js')

/** What is done about top-ups that are asked for, where a provider can charge what customers have left there; `null` elsewhere. */
export function topUpHandler(ctx: BillingContext): EventHandler | null {
  if (!ctx.roles.payments?.payments.charge) return null
  return async (event) => (await load()).runTopUp(ctx, event)
}

/** How packages are bought, where somebody sells. */
export function packageVerbs<C extends Catalog>(ctx: BillingContext): object {
  if (!ctx.roles.checkout) return {}
  const verbs: PackageVerbs<C> = { purchase: async (input) => (await load()).purchasePackage<C>(ctx, input) }
  return verbs
}

/** How traces are read, where somebody keeps some. */
export function pullVerbs(ctx: BillingContext): object {
  if (![...ctx.roles.all.values()].some(({ traces }) => traces)) return {}
  const verbs: PullVerbs['sync'] = { pull: async (input) => (await load()).pullUsage(ctx, input) }
  return verbs
}

/** The verbs that providers bring: those of the parts that somebody plays. */
export function providerVerbs<C extends Catalog>(ctx: BillingContext): object {
  const { checkout, portal, subscriptions, invoices, payments, paymentMethods, all } = ctx.roles
  return {
    ...(checkout ? checkoutVerbs<C>(ctx) : {}),
    ...(portal ? portalVerbs(ctx) : {}),
    ...(subscriptions ? subscriptionVerbs<C>(ctx) : {}),
    ...(invoices ? invoiceVerbs(ctx) : {}),
    ...(invoices?.['invoice-credits'] ? invoiceCreditVerbs(ctx) : {}),
    ...(payments ? paymentVerbs(ctx) : {}),
    ...(paymentMethods ? paymentMethodVerbs(ctx) : {}),
    ...([...all.values()].some(({ catalog }) => catalog) ? catalogVerbs(ctx) : {}),
  }
}

/** All but `credits`, which has a place of its own. */
function checkoutVerbs<C extends Catalog>(ctx: BillingContext): Omit<CheckoutVerbs<C>, 'credits'> {
  return {
    createCheckout: async (input) => (await load()).createCheckout<C>(ctx, input),
    verifyCheckout: async (input) => (await load()).verifyCheckout(ctx, input),
    importCustomers: async (input) => (await load()).importCustomers(ctx, input),
  }
}

function portalVerbs(ctx: BillingContext): PortalVerbs {
  return { createPortal: async (input) => (await load()).createPortal(ctx, input) }
}

function subscriptionVerbs<C extends Catalog>(ctx: BillingContext): SubscriptionVerbs<C> {
  return {
    subscriptions: {
      get: async (input) => (await load()).getSubscription(ctx, input),
      list: async (input) => (await load()).listSubscriptions(ctx, input),
      change: async (input) => (await load()).changeSubscription<C>(ctx, input),
      previewChange: async (input) => (await load()).previewSubscriptionChange<C>(ctx, input),
      cancel: async (input) => (await load()).cancelSubscription(ctx, input),
      reactivate: async (input) => (await load()).settleSubscription(ctx, 'reactivate', input),
      pause: async (input) => (await load()).settleSubscription(ctx, 'pause', input),
      resume: async (input) => (await load()).resumeSubscription(ctx, input),
    },
  }
}

function invoiceVerbs(ctx: BillingContext): InvoiceVerbs {
  return {
    listInvoices: async (input) => (await load()).listInvoices(ctx, input),
    invoices: {
      get: async (input) => (await load()).getInvoice(ctx, input),
      pdf: async (input) => (await load()).invoicePdf(ctx, input),
      upcoming: async (input) => (await load()).upcomingInvoice(ctx, input),
      generate: async (input) => (await load()).generateInvoice(ctx, input),
      finalize: async (input) => (await load()).settleInvoice(ctx, 'finalize', input),
      pay: async (input) => (await load()).payInvoice(ctx, input),
      void: async (input) => (await load()).settleInvoice(ctx, 'void', input),
      markUncollectible: async (input) => (await load()).settleInvoice(ctx, 'markUncollectible', input),
    },
  }
}

function invoiceCreditVerbs(ctx: BillingContext): InvoiceCreditVerbs {
  return {
    invoiceCredits: {
      grant: async (input) => (await load()).grantInvoiceCredit(ctx, input),
      list: async (input) => (await load()).listInvoiceCredits(ctx, input),
      balance: async (input) => (await load()).invoiceCreditBalance(ctx, input),
      end: async (input) => (await load()).endInvoiceCredit(ctx, input),
    },
  }
}

function paymentVerbs(ctx: BillingContext): PaymentVerbs {
  return {
    payments: {
      list: async (input) => (await load()).listPayments(ctx, input),
      get: async (input) => (await load()).getPayment(ctx, input),
      refund: async (input) => (await load()).refundPayment(ctx, input),
    },
  }
}

function paymentMethodVerbs(ctx: BillingContext): PaymentMethodVerbs {
  return {
    paymentMethods: {
      list: async (input) => (await load()).listPaymentMethods(ctx, input),
      available: async (input) => (await load()).availablePaymentMethods(ctx, input),
      get: async (input) => (await load()).getPaymentMethod(ctx, input),
      attach: async (input) => (await load()).attachPaymentMethod(ctx, input),
      update: async (input) => (await load()).updatePaymentMethod(ctx, input),
      setDefault: async (input) => (await load()).setDefaultPaymentMethod(ctx, input),
      remove: async (input) => (await load()).removePaymentMethod(ctx, input),
    },
  }
}

function catalogVerbs(ctx: BillingContext): CatalogVerbs {
  return {
    catalog: { plan: async () => (await load()).planCatalog(ctx), apply: async () => (await load()).applyCatalog(ctx) },
  }
}
