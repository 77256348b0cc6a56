import type { ReactNode } from 'react'
import { useBilling } from '../billing-context.js'
import { compare } from '../decimal.js'

/** A part of how something came about: a heading, and a line for each step. */
export function Steps({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactNode {
  return (
    <section className="billfold-steps">
      <h3 className="billfold-subtitle">{title}</h3>
      <dl className="billfold-totals">{children}</dl>
    </section>
  )
}

/** One step: what was done, and what came of it. */
export function Step({
  what,
  note,
  isResult = false,
  children,
}: {
  readonly what: string
  readonly note?: ReactNode
  /** What the steps before it come to. */
  readonly isResult?: boolean
  readonly children?: ReactNode
}): ReactNode {
  return (
    <div className={isResult ? 'billfold-strong' : undefined}>
      <dt>
        {what}
        {note != null && <span className="billfold-small billfold-muted">{note}</span>}
      </dt>
      <dd>{children}</dd>
    </div>
  )
}

/** A figure with all of its digits; one that no decimal holds stays a quotient. */
export function Figure({
  value,
  isChange = false,
}: {
  readonly value: string
  readonly isChange?: boolean
}): ReactNode {
  const { format } = useBilling()
  const [numerator = '0', denominator] = value.split('/')
  const shown = format.exactNumber(numerator)
  return (
    <data className="billfold-figure" value={value} dir="ltr">
      {isChange && compare(numerator, 0) > 0 && '+'}
      {denominator === undefined ? shown : `${shown} ⁄ ${format.exactNumber(denominator)}`}
    </data>
  )
}

/** From one figure to another, on one line; the arrow points from left to right, whichever way the words around it run. */
export function Change({ from, to }: { readonly from: string; readonly to: string }): ReactNode {
  return (
    <span className="billfold-figure" dir="ltr">
      <Figure value={from} /> → <Figure value={to} />
    </span>
  )
}
