import { type ReactNode, useState } from 'react'
import type { CostSummary } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { DayChart } from '../charts/day-chart.js'
import { ShareTable } from '../charts/share-table.js'
import { daysIn, lastDays } from '../days.js'
import { compare } from '../decimal.js'
import { save } from '../download.js'
import { useCostExport, useCosts } from '../hooks/use-costs.js'
import { Button } from '../primitives/button.js'
import { Card } from '../primitives/card.js'
import { Choice } from '../primitives/choice.js'
import { Loaded } from '../primitives/loaded.js'
import { ProblemNotice } from '../primitives/problem-notice.js'
import { Skeleton } from '../primitives/skeleton.js'
import { Empty } from '../primitives/table.js'
import { type Span, SpanChoice } from './span-choice.js'

type View = 'byDay' | 'byModel' | 'byProvider'

/** What is shown first. */
export interface CostBreakdownProps {
  /** What is shown first; default `byModel`. */
  readonly initialView?: View
}

/** What models cost before margin: by model, by provider, by day; the last 7 or 30 days, and as CSV. */
export function CostBreakdown({ initialView = 'byModel' }: CostBreakdownProps): ReactNode {
  const { text, format } = useBilling()
  const [span, setSpan] = useState<Span>('30')
  const [view, setView] = useState<View>(initialView)
  const days = lastDays(Number(span))
  const costs = useCosts(days)
  const csv = useCostExport()
  const summary =
    costs.data &&
    text('costs.summary', {
      cost: format.money(costs.data.total_cost, costs.data.currency),
      tokens: format.number(costs.data.total_tokens),
    })
  return (
    <Card
      title={text('costs.title')}
      summary={summary}
      hasSummary
      isBusy={costs.isPending}
      actions={
        <Button
          icon="download"
          isBusy={csv.isPending}
          onClick={() => csv.mutate(days, { onSuccess: (file) => save(file, `costs-${days.from}.csv`) })}
        >
          {text('costs.export')}
        </Button>
      }
    >
      {csv.error && <ProblemNotice problem={csv.error} />}
      <div className="billfold-filters">
        <SpanChoice value={span} onChange={setSpan} />
        <Choice
          label={text('costs.view')}
          value={view}
          onChange={setView}
          options={(['byModel', 'byProvider', 'byDay'] as const).map((value) => ({
            value,
            label: text(`costs.${value}`),
          }))}
        />
      </div>
      <Loaded of={costs} skeleton={<Skeleton lines={5} of="blocks" />}>
        {(data) =>
          compare(data.total_cost, 0) === 0 ? <Empty>{text('costs.empty')}</Empty> : <Shown costs={data} view={view} />
        }
      </Loaded>
    </Card>
  )
}

function Shown({ costs, view }: { readonly costs: CostSummary; readonly view: View }): ReactNode {
  const { text, format } = useBilling()
  const { currency, total_cost: total } = costs
  const money = (amount: string | number) => format.money(amount, currency)
  const named = (name: string) => (name === '' ? text('costs.unnamed') : name)
  if (view === 'byDay') {
    const known = new Map(costs.by_day.map(({ date, cost }) => [date, cost]))
    const span = { from: format.date(costs.from), to: format.date(costs.to) }
    return (
      <DayChart
        label={text('costs.chart', span)}
        points={daysIn(costs).map((day) => ({ day, value: String(known.get(day) ?? 0) }))}
        show={money}
        showExact={(value) => format.exactMoney(value, currency)}
        showAxis={money}
        valueTitle={text('costs.cost')}
      />
    )
  }
  if (view === 'byProvider') {
    const rows = costs.by_provider.map(({ provider, cost }) => ({
      key: provider,
      name: named(provider),
      note: '',
      value: cost,
    }))
    return (
      <ShareTable
        title={text('costs.provider')}
        valueTitle={text('costs.cost')}
        rows={rows}
        total={total}
        show={money}
      />
    )
  }
  const rows = costs.breakdown.map(({ provider, model, cost }) => ({
    key: `${provider}/${model}`,
    name: named(model),
    note: provider,
    value: cost,
  }))
  return (
    <ShareTable title={text('costs.model')} valueTitle={text('costs.cost')} rows={rows} total={total} show={money} />
  )
}
