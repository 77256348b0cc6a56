import type { Price } from './prices.js'

type Interval = 'day' | 'week' | 'month' | 'year'

export interface BillingPeriod {
  readonly current_period_start: number
  readonly current_period_end: number
}

/** Counted from the anchor each time, so the 31st comes back after February. */
export function plusInterval(anchor: number, interval: Interval, steps: number): number {
  if (interval === 'day') return anchor + steps * 86_400
  if (interval === 'week') return anchor + steps * 604_800
  const start = new Date(anchor * 1000)
  const months = interval === 'year' ? steps * 12 : steps
  const target = new Date(start)
  target.setUTCDate(1)
  target.setUTCMonth(start.getUTCMonth() + months)
  const lastDay = new Date(Date.UTC(target.getUTCFullYear(), target.getUTCMonth() + 1, 0)).getUTCDate()
  target.setUTCDate(Math.min(start.getUTCDate(), lastDay))
  return Math.floor(target.getTime() / 1000)
}

/** The whole period of a price's cycle that holds the instant. */
export function periodAt(anchor: number, price: Price, instant: number): BillingPeriod {
  const { interval, interval_count: step } = intervalOf(price)
  let index = 0
  while (plusInterval(anchor, interval, step * index) > instant) index -= 1
  while (plusInterval(anchor, interval, step * (index + 1)) <= instant) index += 1
  return {
    current_period_start: plusInterval(anchor, interval, step * index),
    current_period_end: plusInterval(anchor, interval, step * (index + 1)),
  }
}

export function intervalOf(price: Price): { readonly interval: Interval; readonly interval_count: number } {
  return price.recurring ?? { interval: 'month', interval_count: 1 }
}

export function sameInterval(a: Price, b: Price): boolean {
  const [left, right] = [intervalOf(a), intervalOf(b)]
  return left.interval === right.interval && left.interval_count === right.interval_count
}
