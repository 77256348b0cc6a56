import { type ReactNode, useMemo, useState } from 'react'
import type { CreditTransaction } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { compare } from '../decimal.js'
import { useCreditTransactions } from '../hooks/use-credits.js'
import { isMessage } from '../messages.js'
import { ExplainButton } from '../primitives/button.js'
import { Card } from '../primitives/card.js'
import { Moment, Quantity } from '../primitives/figures.js'
import { type Column, PagedTable } from '../primitives/table.js'
import { ExplanationDialog } from './on-demand.js'

/** Every change of the balance, newest first, with the balance after it. */
export function LedgerList({ pageSize = 20 }: { readonly pageSize?: number }): ReactNode {
  const { text, nameOf } = useBilling()
  const [explained, setExplained] = useState<string | null>(null)
  const list = useCreditTransactions({ pageSize })
  const columns = useMemo(
    (): readonly Column<CreditTransaction>[] => [
      { key: 'when', title: text('ledger.when'), cell: ({ created_at }) => <Moment at={created_at} isExact /> },
      {
        key: 'what',
        title: text('ledger.what'),
        cell: ({ id, transaction_type, meter, description }) => {
          const key = `ledger.${transaction_type}`
          const note = description === '' ? (meter === null ? '' : nameOf(meter)) : description
          const what = isMessage(key) ? text(key) : transaction_type.replaceAll('_', ' ')
          return (
            <span>
              <ExplainButton what={what} onClick={() => setExplained(id)} />
              {note !== '' && (
                <span className="billfold-small billfold-muted">{note.charAt(0).toUpperCase() + note.slice(1)}</span>
              )}
            </span>
          )
        },
      },
      {
        key: 'change',
        title: text('ledger.change'),
        isFigure: true,
        cell: ({ amount }) => (
          <span className={compare(amount, 0) > 0 ? 'billfold-positive-text' : undefined}>
            {compare(amount, 0) > 0 && '+'}
            <Quantity value={amount} />
          </span>
        ),
      },
      {
        key: 'balance',
        title: text('ledger.balance'),
        isFigure: true,
        cell: ({ balance_after }) => <Quantity value={balance_after} />,
      },
    ],
    [text, nameOf],
  )
  return (
    <Card title={text('ledger.title')} isBusy={list.isPending}>
      <PagedTable
        label={text('ledger.title')}
        list={list}
        empty={text('ledger.empty')}
        rowKey={({ id }) => id}
        columns={columns}
      />
      {explained !== null && <ExplanationDialog id={explained} onClose={() => setExplained(null)} />}
    </Card>
  )
}
