/**
 * How an invoice stands, whoever keeps it. `past_due` and `payment_failed` are open ones that nobody has paid in time, and whose last
 * attempt failed; `unknown` is a word of the provider's that we do not know, and lets nothing be done.
 */
export const invoiceStatuses = [
  'draft',
  'processing',
  'open',
  'past_due',
  'payment_failed',
  'paid',
  'uncollectible',
  'void',
  'deleted',
  'generation_failed',
  'unknown',
] as const

export type InvoiceStatus = (typeof invoiceStatuses)[number]
