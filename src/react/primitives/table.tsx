import { memo, type ReactNode, useState } from 'react'
import { useBilling } from '../billing-context.js'
import type { ReadList } from '../hooks/use-read.js'
import { Button } from './button.js'
import { problemOf } from './loaded.js'
import { ProblemNotice } from './problem-notice.js'
import { Skeleton } from './skeleton.js'

/** A column of a table. */
export interface Column<Row> {
  readonly key: string
  readonly title: string
  readonly cell: (row: Row) => ReactNode
  /** Figures stand under each other. */
  readonly isFigure?: boolean
  /** Its heading is for readers without sight only. */
  readonly isUntitled?: boolean
}

interface TableProps<Row> {
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row) => string
}

/** A table; where it is narrow, each row is a list of its cells with their headings. */
export function Table<Row>({ label, columns, rows, rowKey }: TableProps<Row>): ReactNode {
  return (
    <table className={columns.length > 3 ? 'billfold-table billfold-table-wide' : 'billfold-table'} aria-label={label}>
      <thead>
        <tr>
          {columns.map(({ key, title, isFigure, isUntitled }) => (
            <th key={key} scope="col" className={isFigure ? 'billfold-end' : undefined}>
              <span className={isUntitled ? 'billfold-hidden' : undefined}>{title}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row key={rowKey(row)} row={row} columns={columns} />
        ))}
      </tbody>
    </table>
  )
}

/** Drawn once for what it shows: where the columns stay the same, a list that grows draws what is new. */
const Row = memo(RowOf) as typeof RowOf

function RowOf<Of>({ row, columns }: { readonly row: Of; readonly columns: readonly Column<Of>[] }): ReactNode {
  return (
    <tr>
      {columns.map(({ key, title, cell, isFigure, isUntitled }) => (
        <td key={key} data-title={isUntitled ? undefined : title} className={isFigure ? 'billfold-end' : undefined}>
          <span className="billfold-cell">{cell(row)}</span>
        </td>
      ))}
    </tr>
  )
}

interface PagedTableProps<Row> extends Omit<TableProps<Row>, 'rows'> {
  readonly list: ReadList<Row>
  readonly empty: string
}

// What a browser lays out within a frame or two, while the table measures itself anew.
const shownAtOnce = 100

/**
 * A list of the server as a table, which grows by its pages. However much was loaded, only the newest of it are in the document, and as
 * many more as are asked for: ten thousand rows are read without ten thousand rows being drawn.
 */
export function PagedTable<Row>({ list, empty, ...table }: PagedTableProps<Row>): ReactNode {
  const { text } = useBilling()
  const { items, error, isFetchingNextPage, hasNextPage, fetchNextPage, refetch, isFetching } = list
  const [first, setFirst] = useState(0)
  if (items === undefined) {
    if (!error) return <Skeleton of="rows" />
    return <ProblemNotice problem={problemOf(error)} onRetry={() => void refetch()} isRetrying={isFetching} />
  }
  if (items.length === 0) return <Empty>{empty}</Empty>
  const rows = items.slice(first, first + shownAtOnce)
  const isBehind = first + shownAtOnce < items.length
  const onMore = async () => {
    if (!isBehind) await fetchNextPage()
    // The window moves on by a part of itself, so that the eye finds where it was.
    if (isBehind || items.length - first >= shownAtOnce) setFirst(first + shownAtOnce / 2)
  }
  return (
    <>
      {first > 0 && (
        <div className="billfold-more">
          <Button onClick={() => setFirst(Math.max(0, first - shownAtOnce / 2))}>{text('action.newer')}</Button>
        </div>
      )}
      <Table {...table} rows={rows} />
      {error && <ProblemNotice problem={problemOf(error)} onRetry={() => void fetchNextPage()} />}
      {(hasNextPage || isBehind) && !error && (
        <div className="billfold-more">
          <Button onClick={() => void onMore()} isBusy={isFetchingNextPage}>
            {text('action.loadMore')}
          </Button>
        </div>
      )}
    </>
  )
}

/** What will be here, and how to make it. */
export function Empty({ children }: { readonly children: ReactNode }): ReactNode {
  return <p className="billfold-empty">{children}</p>
}
