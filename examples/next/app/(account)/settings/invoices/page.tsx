import { InvoiceList, LedgerList } from 'billfold/react'
import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import { Prefetched } from '@/server/prefetched'

export const metadata: Metadata = { title: 'Invoices' }

export default function InvoicesPage(): ReactNode {
  return (
    <Prefetched of={() => []} lists={(queries) => [queries.invoices(), queries.creditTransactions()]}>
      <h1>Invoices</h1>
      <InvoiceList />
      <LedgerList />
    </Prefetched>
  )
}
