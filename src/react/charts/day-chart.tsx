import type { ReactNode } from 'react'
import { useBilling } from '../billing-context.js'
import { onDemand } from '../primitives/on-demand.js'
import { Table } from '../primitives/table.js'
import type { DayChartProps } from './day-points.js'

// Loaded where a chart is shown, and so recharts with it: pages without one do not carry it.
const Bars = onDemand(async () => (await import('./bars.js')).Bars)

/** A bar for each day, and the same figures as a table. */
export function DayChart(props: DayChartProps): ReactNode {
  const { text, format } = useBilling()
  return (
    <>
      <figure className="billfold-chart" aria-label={props.label}>
        <Bars {...props} />
      </figure>
      <details className="billfold-details">
        <summary>{text('timeline.table')}</summary>
        <Table
          label={props.label}
          rows={props.points.toReversed()}
          rowKey={({ day }) => day}
          columns={[
            { key: 'day', title: text('timeline.day'), cell: ({ day }) => format.date(day) },
            { key: 'value', title: props.valueTitle, isFigure: true, cell: ({ value }) => props.showExact(value) },
          ]}
        />
      </details>
    </>
  )
}
