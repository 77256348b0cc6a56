import { BillingError, type InvoiceStatus } from '../../index.js'
import { invalidField } from '../request-error.js'

/** Whose words for states are used: those of S0, of S3, or of S4. */
export type StatusWords = 'finalized' | 'pending' | 'open'

/** The word for each state of an invoice; `null` for what is not shown. */
const invoiceWords: Readonly<Record<StatusWords, Readonly<Record<Exclude<InvoiceStatus, 'unknown'>, string | null>>>> =
  {
    finalized: {
      draft: 'draft',
      processing: 'draft',
      generation_failed: 'draft',
      open: 'finalized',
      past_due: 'finalized',
      payment_failed: 'failed',
      paid: 'paid',
      uncollectible: 'failed',
      void: 'voided',
      deleted: null,
    },
    pending: {
      draft: 'draft',
      processing: 'draft',
      generation_failed: 'draft',
      open: 'pending',
      past_due: 'pending',
      payment_failed: 'pending',
      paid: 'paid',
      uncollectible: 'uncollectible',
      void: 'void',
      deleted: null,
    },
    open: {
      draft: 'draft',
      processing: 'draft',
      generation_failed: 'draft',
      open: 'open',
      past_due: 'past_due',
      payment_failed: 'past_due',
      paid: 'paid',
      uncollectible: 'past_due',
      void: 'void',
      deleted: null,
    },
  }

/** @throws BillingError `provider_response_invalid` for a state that nobody knows: better no answer than a wrong one */
export function invoiceWord(words: StatusWords, status: InvoiceStatus): string | null {
  if (status === 'unknown')
    throw new BillingError(
      'provider_response_invalid',
      'The provider has an invoice in a state that is not known here.',
    )
  return invoiceWords[words][status]
}

/** Every word a filter takes. */
export function invoiceWordsOf(words: StatusWords): readonly string[] {
  return [...new Set(Object.values(invoiceWords[words]).filter((word) => word !== null))]
}

/** The states that a filter's word stands for. @throws RequestError `invalid_request` */
export function invoiceStatusesOf(words: StatusWords, word: string): readonly InvoiceStatus[] {
  const found = Object.entries(invoiceWords[words]).flatMap(([status, each]) => (each === word ? [status] : []))
  if (found.length > 0) return found as InvoiceStatus[]
  throw invalidField('status', `one of ${invoiceWordsOf(words).join(', ')}.`)
}
