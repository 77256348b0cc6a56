/** The words on an invoice beside those of the invoice itself. */
export const englishLabels = {
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
} as const

export type InvoiceLabels = { readonly [Name in keyof typeof englishLabels]: string }
