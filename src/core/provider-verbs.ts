import type { Catalog } from './catalog.js'
import type { EventHandler } from './consumers.js'
import type { BillingContext } from './context.js'
import type {
  CatalogVerbs,
  CheckoutVerbs,
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
} from './verbs.js'

const load = () => import('./provider-operations.js')

/** Runs an operation on what a provider knows of an account. */
async function on<T>(
  ctx: BillingContext,
  input: unknown,
  run: (all: Awaited<ReturnType<typeof load>>) => Promise<T>,
): Promise<T> {
  const all = await load()
  return all.withoutGone(ctx, input, () => run(all))
}

/** What is done about top-ups that are asked for, where a provider can charge what customers have left there; `null` elsewhere. */
export function topUpHandler(ctx: BillingContext): EventHandler | null {
  if (!ctx.roles.payers.some(({ payments }) => payments.charge)) return null
  return (event) => on(ctx, event, (all) => all.runTopUp(ctx, event))
}

/** How packages are bought, where somebody sells. */
export function packageVerbs<C extends Catalog>(ctx: BillingContext): object {
  if (!ctx.roles.checkout) return {}
  const verbs: PackageVerbs<C> = { purchase: (input) => on(ctx, input, (all) => all.purchasePackage<C>(ctx, input)) }
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
  const { checkout, portal, subscriptions, invoices, payments, paymentMethods, metering, all } = ctx.roles
  return {
    ...(checkout ? checkoutVerbs<C>(ctx) : {}),
    ...(portal ? portalVerbs(ctx) : {}),
    ...(subscriptions ? subscriptionVerbs<C>(ctx) : {}),
    ...(invoices ? invoiceVerbs(ctx) : {}),
    ...(invoices?.['invoice-credits'] ? invoiceCreditVerbs(ctx) : {}),
    ...(payments ? paymentVerbs(ctx) : {}),
    ...(paymentMethods ? paymentMethodVerbs(ctx) : {}),
    ...(metering.length > 0 ? meteringVerbs(ctx) : {}),
    ...([...all.values()].some(({ catalog }) => catalog) ? catalogVerbs(ctx) : {}),
  }
}

/** All but `credits`, which has a place of its own. */
function checkoutVerbs<C extends Catalog>(ctx: BillingContext): Omit<CheckoutVerbs<C>, 'credits'> {
  return {
    createCheckout: (input) => on(ctx, input, (all) => all.createCheckout<C>(ctx, input)),
    verifyCheckout: (input) => on(ctx, input, (all) => all.verifyCheckout(ctx, input)),
    importCustomers: async (input) => (await load()).importCustomers(ctx, input),
  }
}

function portalVerbs(ctx: BillingContext): PortalVerbs {
  return { createPortal: (input) => on(ctx, input, (all) => all.createPortal(ctx, input)) }
}

function subscriptionVerbs<C extends Catalog>(ctx: BillingContext): SubscriptionVerbs<C> {
  return {
    subscriptions: {
      get: (input) => on(ctx, input, (all) => all.getSubscription(ctx, input)),
      list: (input) => on(ctx, input, (all) => all.listSubscriptions(ctx, input)),
      change: (input) => on(ctx, input, (all) => all.changeSubscription<C>(ctx, input)),
      previewChange: (input) => on(ctx, input, (all) => all.previewSubscriptionChange<C>(ctx, input)),
      cancel: (input) => on(ctx, input, (all) => all.cancelSubscription(ctx, input)),
      reactivate: (input) => on(ctx, input, (all) => all.settleSubscription(ctx, 'reactivate', input)),
      pause: (input) => on(ctx, input, (all) => all.settleSubscription(ctx, 'pause', input)),
      resume: (input) => on(ctx, input, (all) => all.resumeSubscription(ctx, input)),
    },
  }
}

function invoiceVerbs(ctx: BillingContext): InvoiceVerbs {
  return {
    listInvoices: (input) => on(ctx, input, (all) => all.listInvoices(ctx, input)),
    invoices: {
      get: (input) => on(ctx, input, (all) => all.getInvoice(ctx, input)),
      pdf: (input) => on(ctx, input, (all) => all.invoicePdf(ctx, input)),
      upcoming: (input) => on(ctx, input, (all) => all.upcomingInvoice(ctx, input)),
      generate: (input) => on(ctx, input, (all) => all.generateInvoice(ctx, input)),
      finalize: (input) => on(ctx, input, (all) => all.settleInvoice(ctx, 'finalize', input)),
      pay: (input) => on(ctx, input, (all) => all.payInvoice(ctx, input)),
      void: (input) => on(ctx, input, (all) => all.settleInvoice(ctx, 'void', input)),
      markUncollectible: (input) => on(ctx, input, (all) => all.settleInvoice(ctx, 'markUncollectible', input)),
    },
  }
}

function invoiceCreditVerbs(ctx: BillingContext): InvoiceCreditVerbs {
  return {
    invoiceCredits: {
      grant: (input) => on(ctx, input, (all) => all.grantInvoiceCredit(ctx, input)),
      list: (input) => on(ctx, input, (all) => all.listInvoiceCredits(ctx, input)),
      balance: (input) => on(ctx, input, (all) => all.invoiceCreditBalance(ctx, input)),
      end: (input) => on(ctx, input, (all) => all.endInvoiceCredit(ctx, input)),
    },
  }
}

function paymentVerbs(ctx: BillingContext): PaymentVerbs {
  return {
    payments: {
      list: (input) => on(ctx, input, (all) => all.listPayments(ctx, input)),
      get: (input) => on(ctx, input, (all) => all.getPayment(ctx, input)),
      refund: (input) => on(ctx, input, (all) => all.refundPayment(ctx, input)),
      ...(ctx.roles.payers.some(({ payments }) => payments.submit) ? manualPaymentVerbs(ctx) : {}),
    },
  }
}

function manualPaymentVerbs(ctx: BillingContext): ManualPaymentVerbs['payments'] {
  return {
    submitManual: (input) => on(ctx, input, (all) => all.submitManual(ctx, input)),
    waiting: async (input) => (await load()).listWaitingPayments(ctx, input),
    approve: (input) => on(ctx, input, (all) => all.approvePayment(ctx, input)),
    reject: (input) => on(ctx, input, (all) => all.rejectPayment(ctx, input)),
  }
}

function paymentMethodVerbs(ctx: BillingContext): PaymentMethodVerbs {
  return {
    paymentMethods: {
      list: (input) => on(ctx, input, (all) => all.listPaymentMethods(ctx, input)),
      available: (input) => on(ctx, input, (all) => all.availablePaymentMethods(ctx, input)),
      get: (input) => on(ctx, input, (all) => all.getPaymentMethod(ctx, input)),
      attach: (input) => on(ctx, input, (all) => all.attachPaymentMethod(ctx, input)),
      update: (input) => on(ctx, input, (all) => all.updatePaymentMethod(ctx, input)),
      setDefault: (input) => on(ctx, input, (all) => all.setDefaultPaymentMethod(ctx, input)),
      remove: (input) => on(ctx, input, (all) => all.removePaymentMethod(ctx, input)),
    },
  }
}

function meteringVerbs(ctx: BillingContext): MeteringVerbs {
  return {
    metering: {
      collector: async (input) => (await load()).getCollector(ctx, input),
      promote: async (input) => (await load()).promote(ctx, input),
      parity: async (input) => (await load()).parity(ctx, input),
      usage: async (input) => (await load()).periodUsage(ctx, input),
    },
  }
}

function catalogVerbs(ctx: BillingContext): CatalogVerbs {
  return {
    catalog: { plan: async () => (await load()).planCatalog(ctx), apply: async () => (await load()).applyCatalog(ctx) },
  }
}
