import type { Invoice } from './capabilities/invoices.js'

/** Draws invoices of providers that have no PDF of their own. */
export interface InvoiceRenderer {
  /**
   * The bytes of a PDF.
   *
   * @throws BillingError `option_unsupported` for a character that no font has, which is named in the details
   */
  render(invoice: Invoice): Promise<Uint8Array>
}
