import { type ReactNode, useMemo, useState } from 'react'
import type { UsageRecord } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { usePlans } from '../hooks/use-subscription.js'
import { useUsage } from '../hooks/use-usage.js'
import { Badge } from '../primitives/badge.js'
import { CopyButton, ExplainButton } from '../primitives/button.js'
import { Card } from '../primitives/card.js'
import { Choice } from '../primitives/choice.js'
import { Moment, Money, Quantity } from '../primitives/figures.js'
import { type Column, PagedTable } from '../primitives/table.js'
import { ExplanationDialog } from './on-demand.js'

/** Which records are shown. */
export interface UsageRecordListProps {
  /** Only this meter. */
  readonly meter?: string
  readonly pageSize?: number
}

type Filter = 'all' | 'billed' | 'unbilled'

/** Each use that was recorded, newest first: how much, what it was charged, and whether it is billed. */
export function UsageRecordList({ meter, pageSize = 50 }: UsageRecordListProps): ReactNode {
  const { text, nameOf } = useBilling()
  const [explained, setExplained] = useState<string | null>(null)
  const [filter, setFilter] = useState<Filter>('all')
  const plans = usePlans()
  const currency = plans.data?.currency ?? 'USD'
  const list = useUsage({ meter, pageSize, billed: filter === 'all' ? undefined : filter === 'billed' })
  const columns = useMemo(
    (): readonly Column<UsageRecord>[] => [
      { key: 'when', title: text('records.when'), cell: ({ occurred_at }) => <Moment at={occurred_at} isExact /> },
      {
        key: 'what',
        title: text('records.what'),
        cell: ({ usage_type, usage_details, id }) => (
          <span>
            <span className="billfold-with-copy">
              <ExplainButton what={nameOf(usage_type)} onClick={() => setExplained(id)} />
              <CopyButton value={id} what={text('records.id')} />
            </span>
            {typeof usage_details?.model === 'string' && (
              <span className="billfold-small billfold-muted">{usage_details.model}</span>
            )}
          </span>
        ),
      },
      {
        key: 'quantity',
        title: text('records.quantity'),
        isFigure: true,
        cell: ({ quantity }) => <Quantity value={quantity} />,
      },
      {
        key: 'sparks',
        title: text('records.sparks'),
        isFigure: true,
        cell: ({ sparks }) => <Quantity value={sparks} />,
      },
      {
        key: 'price',
        title: text('records.price'),
        isFigure: true,
        cell: ({ total_price, free_tier_used }) =>
          free_tier_used && total_price === 0 ? (
            text('records.included')
          ) : (
            <Money amount={total_price} currency={currency} />
          ),
      },
      {
        key: 'state',
        title: text('records.state'),
        cell: ({ billed }) =>
          billed ? (
            <Badge tone="positive">{text('records.billed')}</Badge>
          ) : (
            <Badge icon="clock">{text('records.unbilled')}</Badge>
          ),
      },
    ],
    [text, nameOf, currency],
  )
  return (
    <Card title={text('records.title')} isBusy={list.isPending}>
      <Choice
        label={text('records.filter')}
        value={filter}
        onChange={setFilter}
        options={(['all', 'billed', 'unbilled'] as const).map((value) => ({ value, label: text(`records.${value}`) }))}
      />
      <PagedTable
        label={text('records.title')}
        list={list}
        empty={text(filter === 'all' ? 'records.empty' : 'records.emptyFiltered')}
        rowKey={({ id }) => id}
        columns={columns}
      />
      {explained !== null && <ExplanationDialog id={explained} onClose={() => setExplained(null)} />}
    </Card>
  )
}
