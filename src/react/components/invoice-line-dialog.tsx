import { type ReactNode, useState } from 'react'
import type { Invoice, InvoiceLine } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { useUsage } from '../hooks/use-usage.js'
import { addEnglish } from '../messages.js'
import { onDemandEnglish } from '../on-demand-messages.js'
import { ExplainButton } from '../primitives/button.js'
import { Dialog } from '../primitives/dialog.js'
import { Moment, Quantity } from '../primitives/figures.js'
import { PagedTable } from '../primitives/table.js'
import { ExplanationDialog } from './explanation-dialog.js'
import { Figure, Step, Steps } from './steps.js'

addEnglish(onDemandEnglish)

/** A line that charges for the usage of a meter. */
export type UsageLine = InvoiceLine & {
  readonly meter: string
  readonly period_start: string
  readonly period_end: string
}

/** Which line of which invoice. */
export interface InvoiceLineDialogProps {
  readonly invoice: Invoice
  readonly line: UsageLine
  readonly onClose: () => void
}

/** What a line for usage is summed from: the provider's count × its price, and each use of the period that it collects. */
export function InvoiceLineDialog({ invoice, line, onClose }: InvoiceLineDialogProps): ReactNode {
  const { text, format, nameOf } = useBilling()
  const { meter, period_start: from, period_end: to, quantity, unit_price: unitPrice, amount } = line
  const { provider, currency } = invoice
  const [explained, setExplained] = useState<string | null>(null)
  const collected = `meter:${provider}`
  const list = useUsage({ meter, from, to, settledBy: collected, pageSize: 20 })
  return (
    <Dialog title={text('explain.line', { line: text('explain.usageOf', { meter: nameOf(meter) }) })} onClose={onClose}>
      <Steps title={nameOf(meter)}>
        <Step what={text('explain.span')}>
          {format.date(from)} – {format.date(to)}
        </Step>
        {quantity !== null && (
          <Step what={text('explain.counted', { provider: nameOf(provider) })}>
            <Figure value={String(quantity)} />
          </Step>
        )}
        {unitPrice !== null && <Step what={text('explain.eachSpark')}>{format.exactMoney(unitPrice, currency)}</Step>}
        <Step what={text('explain.amount')} isResult>
          {format.money(amount, currency)}
        </Step>
      </Steps>
      <section className="billfold-steps">
        <h3 className="billfold-subtitle">{text('explain.events')}</h3>
        <PagedTable
          label={text('explain.events')}
          list={list}
          empty={text('explain.noEvents')}
          rowKey={({ id }) => id}
          columns={[
            {
              key: 'when',
              title: text('records.when'),
              cell: ({ id, occurred_at: at }) => (
                <ExplainButton what={format.dateTime(at)} onClick={() => setExplained(id)}>
                  <Moment at={at} isExact />
                </ExplainButton>
              ),
            },
            {
              key: 'quantity',
              title: text('records.quantity'),
              isFigure: true,
              cell: (record) => <Quantity value={record.quantity} />,
            },
            {
              key: 'sparks',
              title: text('explain.billed'),
              isFigure: true,
              cell: ({ settled_by: paid }) => <Figure value={paid[collected] ?? '0'} />,
            },
          ]}
        />
      </section>
      {explained !== null && <ExplanationDialog id={explained} onClose={() => setExplained(null)} />}
    </Dialog>
  )
}
