import type { Invoice } from '../../client/client.js'
import { type Read, type ReadList, type ReadOptions, useRead, useReadList } from './use-read.js'
import { useWrite, type Write } from './use-write.js'

/** Invoices, newest first, page by page; of one state where it is named. */
export function useInvoices({
  status,
  pageSize = 20,
  ...options
}: ReadOptions & { readonly status?: string | undefined; readonly pageSize?: number } = {}): ReadList<Invoice> {
  return useReadList((queries) => queries.invoices({ status, pageSize }), options)
}

/** One invoice. */
export function useInvoice(id: string, organizationId?: string): Read<Invoice> {
  return useRead((queries) => queries.invoice(id), { organizationId })
}

const changes = ['invoices', 'account', 'subscription', 'credits', 'usage'] as const

/** Tries to collect an invoice, by its id, from the default payment method. A decline leaves it open. */
export function usePayInvoice(organizationId?: string): Write<string, Invoice> {
  return useWrite({ write: (client, id, given) => client.invoices.pay(id, {}, given), changes }, organizationId)
}

/** Makes an invoice of everything that waits; `null` where nothing does. */
export function useGenerateInvoice(organizationId?: string): Write<void, Invoice | null> {
  return useWrite({ write: (client, _, given) => client.invoices.generate({}, given), changes }, organizationId)
}

/** Fetches the PDF of an invoice, by its id. */
export function useInvoicePdf(organizationId?: string): Write<string, Blob> {
  return useWrite({ write: (client, id) => client.invoices.pdf(id), changes: [] }, organizationId)
}
