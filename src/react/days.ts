import type { Days } from '../client/queries.js'

const dayMs = 86_400_000

/** The last so many UTC days, today among them. */
export function lastDays(count: number): Days {
  const end = Date.now() + dayMs
  return { from: dayOf(end - count * dayMs), to: dayOf(end) }
}

/** Every day of a span, also those on which nothing was. */
export function daysIn({ from, to }: Days): readonly string[] {
  const days: string[] = []
  for (let at = Date.parse(from); at < Date.parse(to); at += dayMs) days.push(dayOf(at))
  return days
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
