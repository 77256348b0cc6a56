import { type ReactNode, useState } from 'react'
import type { Invoice, InvoiceLine } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { compare } from '../decimal.js'
import { useInvoice } from '../hooks/use-invoices.js'
import { addEnglish } from '../messages.js'
import { onDemandEnglish } from '../on-demand-messages.js'
import { StatusBadge } from '../primitives/badge.js'
import { Button, CopyButton, ExplainButton } from '../primitives/button.js'
import { Card } from '../primitives/card.js'
import { Moment, Money, Quantity } from '../primitives/figures.js'
import { Loaded } from '../primitives/loaded.js'
import { Skeleton } from '../primitives/skeleton.js'
import { Empty, Table } from '../primitives/table.js'
import { InvoiceActions } from './invoice-actions.js'
import { InvoiceLineDialog, type UsageLine } from './invoice-line-dialog.js'

addEnglish(onDemandEnglish)

/** Which invoice, and the way back. */
export interface InvoiceDetailsProps {
  readonly id: string
  /** Goes back to the list; default: there is no way back. */
  readonly onBack?: () => void
}

export function InvoiceDetails({ id, onBack }: InvoiceDetailsProps): ReactNode {
  const { text } = useBilling()
  const invoice = useInvoice(id)
  const number = invoice.data ? (invoice.data.invoice_number ?? text('invoices.noNumber')) : '…'
  return (
    <Card
      title={text('invoice.title', { number })}
      summary={invoice.data && <StatusBadge status={invoice.data.status} />}
      isBusy={invoice.isPending}
      actions={onBack && <Button onClick={onBack}>{text('invoices.back')}</Button>}
    >
      <Loaded of={invoice} skeleton={<Skeleton lines={6} />}>
        {(data) => <Shown invoice={data} />}
      </Loaded>
    </Card>
  )
}

function Shown({ invoice }: { readonly invoice: Invoice }): ReactNode {
  const { text, nameOf } = useBilling()
  const { currency, line_items: lines } = invoice
  const [explained, setExplained] = useState<UsageLine | null>(null)
  const usageOf = ({ meter }: UsageLine) => text('explain.usageOf', { meter: nameOf(meter) })
  const facts = [
    ['invoice.issued', invoice.finalized_at ?? invoice.created_at],
    ['invoice.dueDate', invoice.due_date],
    ['invoice.paidAt', invoice.paid_at],
    ['invoice.nextAttempt', invoice.next_attempt_at],
  ] as const
  // Some providers go on telling what was due when it is paid.
  const isOpen = invoice.actions.includes('pay') || invoice.actions.includes('finalize')
  const sums = [
    ['invoice.subtotal', invoice.subtotal],
    ['invoice.discount', invoice.discount_amount],
    ['invoice.tax', invoice.tax_amount],
    ['invoice.total', invoice.total],
    ['invoice.credits', invoice.credits_applied],
    ['invoice.amountPaid', invoice.amount_paid],
    ['invoice.amountDue', isOpen ? invoice.amount_due : 0],
  ] as const
  const always = new Set(['invoice.subtotal', 'invoice.total', 'invoice.amountDue'])
  return (
    <>
      <dl className="billfold-facts">
        {facts.map(([key, moment]) =>
          moment === null ? null : (
            <div key={key}>
              <dt>{text(key)}</dt>
              <dd>
                <Moment at={moment} />
              </dd>
            </div>
          ),
        )}
        <div>
          <dt>{text('records.id')}</dt>
          <dd className="billfold-with-copy">
            <code>{invoice.id}</code>
            <CopyButton value={invoice.id} what={text('records.id')} />
          </dd>
        </div>
      </dl>
      {invoice.description !== null && <p>{invoice.description}</p>}
      {lines.length === 0 ? (
        <Empty>{text('invoice.noLines')}</Empty>
      ) : (
        <Table
          label={text('invoice.title', { number: invoice.invoice_number ?? '' })}
          rows={lines.map((line, place) => ({ ...line, place }))}
          rowKey={({ place }) => String(place)}
          columns={[
            {
              key: 'description',
              title: text('invoice.description'),
              cell: (line) => (
                <span>
                  {isOfUsage(line) ? (
                    <ExplainButton what={usageOf(line)} onClick={() => setExplained(line)} />
                  ) : (
                    line.description
                  )}
                  <span className="billfold-small billfold-muted">
                    <Period line={line} />
                  </span>
                </span>
              ),
            },
            {
              key: 'quantity',
              title: text('invoice.quantity'),
              isFigure: true,
              cell: ({ quantity }) => (quantity === null ? '–' : <Quantity value={quantity} />),
            },
            {
              key: 'amount',
              title: text('invoice.amount'),
              isFigure: true,
              cell: ({ amount }) => <Money amount={amount} currency={currency} />,
            },
          ]}
        />
      )}
      {explained && <InvoiceLineDialog invoice={invoice} line={explained} onClose={() => setExplained(null)} />}
      <dl className="billfold-totals">
        {sums.map(([key, amount]) =>
          compare(amount, 0) === 0 && !always.has(key) ? null : (
            <div key={key} className={key === 'invoice.amountDue' ? 'billfold-strong' : undefined}>
              <dt>{text(key)}</dt>
              <dd>
                <Money amount={amount} currency={currency} />
              </dd>
            </div>
          ),
        )}
      </dl>
      <div className="billfold-actions">
        <InvoiceActions invoice={invoice} />
        {invoice.hosted_invoice_url !== null && (
          <a className="billfold-link" href={invoice.hosted_invoice_url}>
            {text('invoice.hosted')}
          </a>
        )}
      </div>
    </>
  )
}

/** From when to when; each of the two stays on one line. */
function Period({ line }: { readonly line: InvoiceLine }): ReactNode {
  const { period_start: start, period_end: end } = line
  if (start === null || end === null) return null
  return (
    <>
      <Moment at={start} /> – <Moment at={end} />
    </>
  )
}

/** Whether a line charges for usage, of which there are records here. */
function isOfUsage<Line extends InvoiceLine>(line: Line): line is Line & UsageLine {
  return line.meter !== null && line.period_start !== null && line.period_end !== null
}
