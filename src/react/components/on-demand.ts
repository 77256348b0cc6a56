import { onDemand } from '../primitives/on-demand.js'

/**
 * Adds a payment method. Where the provider was given `loadStripe` and the server a publishable key, in Stripe's own fields in this page;
 * else on a page of the payment provider. Neither way does a number come near this site.
 */
export const AddPaymentMethodForm = onDemand(
  async () => (await import('./add-payment-method-form.js')).AddPaymentMethodForm,
)

/** Chooses how much to buy, says how many Sparks that gives, and goes on to pay. */
export const BuyCreditsDialog = onDemand(async () => (await import('./buy-credits-dialog.js')).BuyCreditsDialog)

/**
 * Changes to another plan: what is to be paid today, with what is left of the period set off, and what from then on. Who has no
 * subscription yet goes on to pay on a page of the provider.
 */
export const UpgradeDialog = onDemand(async () => (await import('./upgrade-dialog.js')).UpgradeDialog)

/** One invoice: its lines, how its total is made up, and what can be done about it. */
export const InvoiceDetails = onDemand(async () => (await import('./invoice-details.js')).InvoiceDetails)

/** How a use, or another change of the balance, came about. */
export const ExplanationDialog = onDemand(async () => (await import('./explanation-dialog.js')).ExplanationDialog)

/** What is asked and told about keys, by what is wanted. */
export const ApiKeyDialog = onDemand(async () => (await import('./api-key-dialog.js')).ApiKeyDialog)
