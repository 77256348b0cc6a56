import type { ReactNode } from 'react'
import { useBilling } from '../billing-context.js'

/** An amount of money; all of its digits on hover. */
export function Money({
  amount,
  currency,
}: {
  readonly amount: string | number
  readonly currency: string
}): ReactNode {
  const { format } = useBilling()
  return (
    <data className="billfold-figure" value={String(amount)} title={format.exactMoney(amount, currency)}>
      {format.money(amount, currency)}
    </data>
  )
}

/** A quantity or a number of Sparks; all of its digits on hover. */
export function Quantity({ value }: { readonly value: string | number }): ReactNode {
  const { format } = useBilling()
  return (
    <data className="billfold-figure" value={String(value)} title={format.exactNumber(value)}>
      {format.number(value)}
    </data>
  )
}

/** A moment, as a date or to the minute; a dash for none. */
export function Moment({ at, isExact = false }: { readonly at: string | null; readonly isExact?: boolean }): ReactNode {
  const { format } = useBilling()
  if (at === null) return <span className="billfold-muted">–</span>
  return (
    <time dateTime={at} title={format.dateTime(at)}>
      {isExact ? format.dateTime(at) : format.date(at)}
    </time>
  )
}
