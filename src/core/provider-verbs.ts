import type { Catalog } from './catalog.js'
import type { BillingContext } from './context.js'
import { createCheckout, verifyCheckout } from './operations/checkout.js'
import {
  generateInvoice,
  getInvoice,
  invoicePdf,
  listInvoices,
  payInvoice,
  settleInvoice,
  upcomingInvoice,
} from './operations/invoices.js'
import {
  attachPaymentMethod,
  getPaymentMethod,
  listPaymentMethods,
  removePaymentMethod,
  setDefaultPaymentMethod,
  updatePaymentMethod,
} from './operations/payment-methods.js'
import { getPayment, listPayments, refundPayment } from './operations/payments.js'
import { createPortal } from './operations/portal.js'
import { applyCatalog, planCatalog } from './operations/provider-catalog.js'
import {
  cancelSubscription,
  changeSubscription,
  getSubscription,
  listSubscriptions,
  previewSubscriptionChange,
  resumeSubscription,
  settleSubscription,
} from './operations/subscriptions.js'
import type {
  CatalogVerbs,
  CheckoutVerbs,
  InvoiceVerbs,
  PaymentMethodVerbs,
  PaymentVerbs,
  PortalVerbs,
  SubscriptionVerbs,
} from './verbs.js'

/** The verbs that providers bring: those of the parts that somebody plays. */
export function providerVerbs<C extends Catalog>(ctx: BillingContext): object {
  const { checkout, portal, subscriptions, invoices, payments, paymentMethods, all } = ctx.roles
  return {
    ...(checkout ? checkoutVerbs<C>(ctx) : {}),
    ...(portal ? portalVerbs(ctx) : {}),
    ...(subscriptions ? subscriptionVerbs<C>(ctx) : {}),
    ...(invoices ? invoiceVerbs(ctx) : {}),
    ...(payments ? paymentVerbs(ctx) : {}),
    ...(paymentMethods ? paymentMethodVerbs(ctx) : {}),
    ...([...all.values()].some(({ catalog }) => catalog) ? catalogVerbs(ctx) : {}),
  }
}

function checkoutVerbs<C extends Catalog>(ctx: BillingContext): CheckoutVerbs<C> {
  return {
    createCheckout: (input) => createCheckout<C>(ctx, input),
    verifyCheckout: (input) => verifyCheckout(ctx, input),
  }
}

function portalVerbs(ctx: BillingContext): PortalVerbs {
  return { createPortal: (input) => createPortal(ctx, input) }
}

function subscriptionVerbs<C extends Catalog>(ctx: BillingContext): SubscriptionVerbs<C> {
  return {
    subscriptions: {
      get: (input) => getSubscription(ctx, input),
      list: (input) => listSubscriptions(ctx, input),
      change: (input) => changeSubscription<C>(ctx, input),
      previewChange: (input) => previewSubscriptionChange<C>(ctx, input),
      cancel: (input) => cancelSubscription(ctx, input),
      reactivate: (input) => settleSubscription(ctx, 'reactivate', input),
      pause: (input) => settleSubscription(ctx, 'pause', input),
      resume: (input) => resumeSubscription(ctx, input),
    },
  }
}

function invoiceVerbs(ctx: BillingContext): InvoiceVerbs {
  return {
    listInvoices: (input) => listInvoices(ctx, input),
    invoices: {
      get: (input) => getInvoice(ctx, input),
      pdf: (input) => invoicePdf(ctx, input),
      upcoming: (input) => upcomingInvoice(ctx, input),
      generate: (input) => generateInvoice(ctx, input),
      finalize: (input) => settleInvoice(ctx, 'finalize', input),
      pay: (input) => payInvoice(ctx, input),
      void: (input) => settleInvoice(ctx, 'void', input),
      markUncollectible: (input) => settleInvoice(ctx, 'markUncollectible', input),
    },
  }
}

function paymentVerbs(ctx: BillingContext): PaymentVerbs {
  return {
    payments: {
      list: (input) => listPayments(ctx, input),
      get: (input) => getPayment(ctx, input),
      refund: (input) => refundPayment(ctx, input),
    },
  }
}

function paymentMethodVerbs(ctx: BillingContext): PaymentMethodVerbs {
  return {
    paymentMethods: {
      list: (input) => listPaymentMethods(ctx, input),
      get: (input) => getPaymentMethod(ctx, input),
      attach: (input) => attachPaymentMethod(ctx, input),
      update: (input) => updatePaymentMethod(ctx, input),
      setDefault: (input) => setDefaultPaymentMethod(ctx, input),
      remove: (input) => removePaymentMethod(ctx, input),
    },
  }
}

function catalogVerbs(ctx: BillingContext): CatalogVerbs {
  return { catalog: { plan: () => planCatalog(ctx), apply: () => applyCatalog(ctx) } }
}
