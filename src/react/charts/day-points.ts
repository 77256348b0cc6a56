/** One bar. */
export interface DayPoint {
  readonly day: string
  /** Decimal text. */
  readonly value: string
}

export interface DayChartProps {
  /** What is shown, for readers without sight. */
  readonly label: string
  readonly points: readonly DayPoint[]
  readonly show: (value: string) => string
  readonly showExact: (value: string) => string
  readonly showAxis: (value: string) => string
  readonly valueTitle: string
}
