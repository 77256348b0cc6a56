/** The words on an invoice beside those of the invoice itself. */
export interface InvoiceLabels {
  readonly invoice: string
  readonly draft: string
  readonly paid: string
  readonly void: string
  readonly number: string
  readonly date: string
  readonly due: string
  readonly paidOn: string
  readonly from: string
  readonly to: string
  readonly description: string
  readonly quantity: string
  readonly amount: string
  readonly subtotal: string
  readonly discount: string
  readonly tax: string
  readonly total: string
  readonly credits: string
  readonly amountPaid: string
  readonly amountDue: string
}

export const englishLabels: InvoiceLabels = {
  invoice: 'Invoice',
  draft: 'Draft invoice',
  paid: 'PAID',
  void: 'VOID',
  number: 'Number',
  date: 'Date',
  due: 'Due',
  paidOn: 'Paid on',
  from: 'From',
  to: 'Bill to',
  description: 'Description',
  quantity: 'Quantity',
  amount: 'Amount',
  subtotal: 'Subtotal',
  discount: 'Discount',
  tax: 'Tax',
  total: 'Total',
  credits: 'Credits',
  amountPaid: 'Paid',
  amountDue: 'Amount due',
}
