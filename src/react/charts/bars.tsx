import type { ReactNode } from 'react'
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'
import { useBilling } from '../billing-context.js'
import type { DayChartProps, DayPoint } from './day-points.js'

/** Bars from a zero line. Their heights are drawn by numbers; what is written is the exact figure. */
export function Bars({ points, show, showExact, showAxis }: DayChartProps): ReactNode {
  const { format } = useBilling()
  const bars = points.map((point) => ({ ...point, height: Number(point.value) }))
  const isRightToLeft = typeof document !== 'undefined' && document.querySelector('.billfold')?.matches(':dir(rtl)')
  return (
    <ResponsiveContainer width="100%" height={220} initialDimension={{ width: 640, height: 220 }}>
      <BarChart data={bars} margin={{ top: 8, right: 0, bottom: 0, left: 0 }} accessibilityLayer>
        <CartesianGrid vertical={false} stroke="var(--billfold-grid)" />
        <XAxis
          dataKey="day"
          tickFormatter={format.day}
          reversed={isRightToLeft === true}
          tickLine={false}
          axisLine={{ stroke: 'var(--billfold-border)' }}
          minTickGap={24}
          tick={{ fill: 'var(--billfold-muted)', fontSize: 12 }}
        />
        <YAxis
          orientation={isRightToLeft ? 'right' : 'left'}
          width={64}
          tickFormatter={(value: number) => showAxis(String(value))}
          tickLine={false}
          axisLine={false}
          tickCount={4}
          tick={{ fill: 'var(--billfold-muted)', fontSize: 12 }}
        />
        <Tooltip
          cursor={{ fill: 'var(--billfold-soft)' }}
          isAnimationActive={false}
          content={({ active, payload }) => {
            const point = payload?.[0]?.payload as DayPoint | undefined
            if (!active || !point) return null
            return (
              <div className="billfold-tooltip">
                <span className="billfold-muted">{format.date(point.day)}</span>
                <span className="billfold-strong" title={showExact(point.value)}>
                  {show(point.value)}
                </span>
              </div>
            )
          }}
        />
        <Bar
          dataKey="height"
          fill="var(--billfold-accent)"
          radius={[3, 3, 0, 0]}
          maxBarSize={28}
          isAnimationActive={false}
        />
      </BarChart>
    </ResponsiveContainer>
  )
}
