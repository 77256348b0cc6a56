import type { Instant } from '../../core/domain/period.js'
import { BillingError } from '../../core/errors.js'
import type { Invoice, InvoicesCapability } from '../../core/ports/capabilities/invoices.js'
import type { Archive } from './archive.js'
import { expectInvoice, type KeptInvoice, statusOf, toInvoice } from './invoice.js'
import type { Issue } from './issue.js'

/** What is said of invoices. */
export interface InvoiceRules {
  readonly now: () => Instant
  instructions(invoice: Invoice): string
}

export type ManualInvoiceVerbs = InvoicesCapability &
  Required<Pick<InvoicesCapability, 'bill' | 'finalize' | 'void' | 'markUncollectible'>>

export function manualInvoices(archive: Archive, issue: Issue, { now }: InvoiceRules): ManualInvoiceVerbs {
  const shown = (invoice: KeptInvoice) => toInvoice(invoice, now())
  return {
    async list({ customerId, status, subscriptionId, ...page }) {
      const fits = (invoice: KeptInvoice) =>
        (status === undefined || statusOf(invoice, now()) === status) &&
        (subscriptionId === undefined || shown(invoice).subscriptionId === subscriptionId)
      const { items, next } = await archive.list<KeptInvoice>('invoice', customerId, page, fits)
      return { items: items.map(shown), next }
    },
    get: async (externalId) => shown(await requireInvoice(archive, externalId)),
    async bill({ intentId, accountId, customerId, description, total, lines }) {
      const order = { key: `bill:${intentId}`, accountId, customerId, intentId, description, currency: total.currency }
      const listed = lines.map((line) => ({ ...line, quantity: null }))
      return shown(await issue.create({ ...order, lines: listed, sells: null, isDraft: true, fallbackUrl: null }))
    },
    finalize: async (externalId) => shown(await issue.finalize(externalId)),
    void: async (externalId) => shown(await annul(archive, externalId, 'void')),
    markUncollectible: async (externalId) => shown(await annul(archive, externalId, 'uncollectible')),
  }
}

/** @throws BillingError `not_found` */
export async function requireInvoice(archive: Archive, id: string): Promise<KeptInvoice> {
  return expectInvoice(await archive.get<KeptInvoice>('invoice', id), id)
}

/** Ends one that nothing was paid of; it keeps its number. @throws BillingError `not_found`, `invalid_state` */
export function annul(archive: Archive, id: string, status: 'void' | 'uncollectible'): Promise<KeptInvoice> {
  return archive.change(async (read) => {
    const invoice = expectInvoice(await read<KeptInvoice>('invoice', id), id)
    if (invoice.status === status) return { answer: invoice, writes: [] }
    const isPartlyPaid = invoice.paidNanos > 0n && status === 'void'
    const isEndless = invoice.status === 'open' || (invoice.status === 'uncollectible' && status === 'void')
    if (!isEndless || isPartlyPaid || invoice.waiting.length > 0) {
      const what = invoice.waiting.length > 0 ? 'has a payment that waits for approval' : `is ${invoice.status}`
      throw new BillingError('invalid_state', `Invoice ${id} ${isPartlyPaid ? 'is paid in part' : what}.`)
    }
    const ended = { ...invoice, status }
    return { answer: ended, writes: [ended] }
  })
}
