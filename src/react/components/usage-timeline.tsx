import { type ReactNode, useId, useState } from 'react'
import { useBilling } from '../billing-context.js'
import { DayChart } from '../charts/day-chart.js'
import { daysIn, lastDays } from '../days.js'
import { compare, sumOf } from '../decimal.js'
import { useUsageDashboard } from '../hooks/use-usage.js'
import { Card } from '../primitives/card.js'
import { Loaded } from '../primitives/loaded.js'
import { Skeleton } from '../primitives/skeleton.js'
import { Empty } from '../primitives/table.js'
import { type Span, SpanChoice } from './span-choice.js'

/** The meter, and the days. */
export interface UsageTimelineProps {
  /** One meter; default the person chooses among all. */
  readonly meter?: string
}

/** How much of a meter was used on each day, of the last 7 or 30. */
export function UsageTimeline({ meter: only }: UsageTimelineProps): ReactNode {
  const { text, format, nameOf } = useBilling()
  const id = useId()
  const [span, setSpan] = useState<Span>('30')
  const [chosen, setChosen] = useState<string | null>(null)
  const days = lastDays(Number(span))
  const usage = useUsageDashboard(days)
  const meters = usage.data?.meters ?? []
  // The most used one tells most, until another is asked for.
  const most = meters.toSorted((left, right) => right.events - left.events)[0]?.meter
  const name = only ?? chosen ?? most
  const shown = meters.find(({ meter }) => meter === name)
  const total = sumOf(shown?.series.map(({ quantity }) => quantity) ?? [])
  const known = new Map(shown?.series.map(({ date, quantity }) => [date, quantity]))
  return (
    <Card
      title={only === undefined ? text('timeline.title') : nameOf(only)}
      summary={usage.data && text('timeline.total', { total: format.number(total), days: span })}
      hasSummary
      isBusy={usage.isPending}
    >
      <div className="billfold-filters">
        <SpanChoice value={span} onChange={setSpan} />
        {only === undefined && (usage.isPending || meters.length > 1) && (
          <span className="billfold-select">
            <label htmlFor={id}>{text('timeline.meter')}</label>
            <select
              id={id}
              value={name ?? ''}
              disabled={usage.isPending}
              onChange={({ target }) => setChosen(target.value)}
            >
              {meters.map(({ meter }) => (
                <option key={meter} value={meter}>
                  {nameOf(meter)}
                </option>
              ))}
            </select>
          </span>
        )}
      </div>
      <Loaded of={usage} skeleton={<Skeleton lines={5} of="blocks" />}>
        {() =>
          compare(total, 0) === 0 ? (
            <div className="billfold-empty-chart">
              <Empty>{text('timeline.empty')}</Empty>
            </div>
          ) : (
            <DayChart
              label={text('timeline.chart', {
                meter: nameOf(name ?? ''),
                from: format.date(days.from),
                to: format.date(days.to),
              })}
              points={daysIn(days).map((day) => ({ day, value: known.get(day) ?? '0' }))}
              show={format.number}
              showExact={format.exactNumber}
              showAxis={format.compact}
              valueTitle={text('timeline.quantity')}
            />
          )
        }
      </Loaded>
    </Card>
  )
}
