import { type ReactNode, useMemo, useState } from 'react'
import type { Invoice } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { compare, sumOf } from '../decimal.js'
import { useGenerateInvoice, useInvoices } from '../hooks/use-invoices.js'
import { isMessage } from '../messages.js'
import { StatusBadge } from '../primitives/badge.js'
import { Button } from '../primitives/button.js'
import { Card } from '../primitives/card.js'
import { Choice } from '../primitives/choice.js'
import { Moment, Money } from '../primitives/figures.js'
import { ProblemNotice } from '../primitives/problem-notice.js'
import { type Column, PagedTable } from '../primitives/table.js'
import { useToast } from '../primitives/toast.js'
import { InvoiceActions } from './invoice-actions.js'
import { InvoiceDetails } from './on-demand.js'

/** Which invoices, and what opening one does. */
export interface InvoiceListProps {
  /** Only the newest, without a filter: for an overview. */
  readonly latest?: number
  /** The words of states that the filter offers; default those of S4. */
  readonly statuses?: readonly string[]
  /** Whether usage that waits can be invoiced at once; default false. */
  readonly canGenerate?: boolean
  /** Opens an invoice elsewhere; default below the list. */
  readonly onOpen?: (invoice: Invoice) => void
}

const everything = 'all'

/** Invoices with what can be done about each: looked at, paid, fetched as PDF. */
export function InvoiceList({
  latest,
  statuses = ['open', 'past_due', 'paid', 'void', 'draft'],
  canGenerate = false,
  onOpen,
}: InvoiceListProps): ReactNode {
  const { text, format, access } = useBilling()
  const toast = useToast()
  const [status, setStatus] = useState(everything)
  const [open, setOpen] = useState<string | null>(null)
  const list = useInvoices({
    ...(status === everything ? {} : { status }),
    ...(latest === undefined ? {} : { pageSize: latest }),
  })
  const generate = useGenerateInvoice()
  const columns = useMemo(
    (): readonly Column<Invoice>[] => [
      {
        key: 'number',
        title: text('invoices.number'),
        cell: (invoice) => (
          <button
            type="button"
            className="billfold-link"
            aria-label={text('invoices.view', { number: invoice.invoice_number ?? text('invoices.noNumber') })}
            onClick={() => (onOpen ? onOpen(invoice) : setOpen(invoice.id))}
          >
            {invoice.invoice_number ?? text('invoices.noNumber')}
          </button>
        ),
      },
      {
        key: 'date',
        title: text('invoices.date'),
        cell: ({ finalized_at, created_at }) => <Moment at={finalized_at ?? created_at} />,
      },
      { key: 'status', title: text('invoices.status'), cell: ({ status: word }) => <StatusBadge status={word} /> },
      {
        key: 'amount',
        title: text('invoices.amount'),
        isFigure: true,
        cell: ({ total, currency }) => <Money amount={total} currency={currency} />,
      },
      {
        key: 'actions',
        title: text('invoices.actions'),
        isUntitled: true,
        isFigure: true,
        cell: (invoice) => <InvoiceActions invoice={invoice} />,
      },
    ],
    [text, onOpen],
  )
  if (open !== null) return <InvoiceDetails id={open} onBack={() => setOpen(null)} />
  const shown = latest === undefined ? list : { ...list, hasNextPage: false }
  const numberOf = ({ invoice_number }: Invoice) => invoice_number ?? text('invoices.noNumber')
  return (
    <Card
      title={text('invoices.title')}
      summary={dueOf(list.items)}
      hasSummary
      isBusy={list.isPending}
      actions={
        canGenerate &&
        access.pay && (
          <Button
            isBusy={generate.isPending}
            onClick={() =>
              generate.mutate(undefined, {
                onSuccess: (made) =>
                  toast(
                    made ? text('invoices.generated', { number: numberOf(made) }) : text('invoices.nothingToGenerate'),
                  ),
              })
            }
          >
            {text('invoices.generate')}
          </Button>
        )
      }
    >
      {generate.error && <ProblemNotice problem={generate.error} isWrite />}
      {latest === undefined && (
        <Choice
          label={text('invoices.filter')}
          value={status}
          onChange={setStatus}
          options={[
            { value: everything, label: text('invoices.all') },
            ...statuses.map((value) => {
              const key = `status.${value}`
              return { value, label: isMessage(key) ? text(key) : value }
            }),
          ]}
        />
      )}
      <PagedTable
        label={text('invoices.title')}
        list={shown}
        empty={text(status === everything ? 'invoices.empty' : 'invoices.emptyFiltered')}
        rowKey={({ id }) => id}
        columns={columns}
      />
    </Card>
  )

  /** Of the invoices that were loaded; those that are open are the newest ones. */
  function dueOf(items: readonly Invoice[] | undefined): string | undefined {
    if (items === undefined || status !== everything) return undefined
    const due = items.filter((invoice) => invoice.actions.includes('pay') && compare(invoice.amount_due, 0) > 0)
    const [first] = due
    if (!first) return text('invoices.nothingDue')
    const currencies = [...new Set(due.map(({ currency }) => currency))]
    const amounts = currencies.map((currency) => {
      const amount = sumOf(due.filter((each) => each.currency === currency).map(({ amount_due }) => amount_due))
      return format.money(amount, currency)
    })
    return text('invoices.due', { amount: format.list(amounts) })
  }
}
