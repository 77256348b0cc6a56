import { InvoiceList, LedgerList } from 'billfold/react'
import type { Metadata } from 'next'
import type { ReactNode } from 'react'

export const metadata: Metadata = { title: 'Invoices' }

export default function InvoicesPage(): ReactNode {
  return (
    <>
      <h1>Invoices</h1>
      <InvoiceList />
      <LedgerList />
    </>
  )
}
