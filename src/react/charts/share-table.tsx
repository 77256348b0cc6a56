import type { ReactNode } from 'react'
import { useBilling } from '../billing-context.js'
import { compare, permille } from '../decimal.js'
import { Table } from '../primitives/table.js'

interface ShareTableProps {
  readonly title: string
  readonly valueTitle: string
  readonly rows: readonly {
    readonly key: string
    readonly name: string
    readonly note: string
    readonly value: number
  }[]
  readonly total: number
  readonly show: (value: number) => string
}

/** What a total is made of, the largest first: a table whose rows are bars. */
export function ShareTable({ title, valueTitle, rows, total, show }: ShareTableProps): ReactNode {
  const { text, format } = useBilling()
  return (
    <Table
      label={title}
      rows={rows.toSorted((left, right) => compare(right.value, left.value))}
      rowKey={({ key }) => key}
      columns={[
        {
          key: 'name',
          title,
          cell: ({ name, note, value }) => (
            <span className="billfold-share">
              <span>{name}</span>
              {note !== '' && <span className="billfold-small billfold-muted">{note}</span>}
              <span className="billfold-share-bar" aria-hidden="true">
                <span style={{ inlineSize: `${permille(value, total) / 10}%` }} />
              </span>
            </span>
          ),
        },
        {
          key: 'share',
          title: text('costs.share'),
          isFigure: true,
          cell: ({ value }) => format.percent(permille(value, total)),
        },
        { key: 'value', title: valueTitle, isFigure: true, cell: ({ value }) => show(value) },
      ]}
    />
  )
}
