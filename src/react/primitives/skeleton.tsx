import type { ReactNode } from 'react'
import { useBilling } from '../billing-context.js'

/** The outline of what is being read: as many lines as there will be. */
export function Skeleton({
  lines = 3,
  isTall = false,
  isTable = false,
}: {
  readonly lines?: number
  readonly isTall?: boolean
  /** Rows, which are taller where each is a list of its cells. */
  readonly isTable?: boolean
}): ReactNode {
  const { text } = useBilling()
  return (
    <div className={isTable ? 'billfold-skeleton billfold-skeleton-table' : 'billfold-skeleton'} role="status">
      <span className="billfold-hidden">{text('action.loading')}</span>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines have nothing but their place
        <span key={line} className={isTall ? 'billfold-bone billfold-bone-tall' : 'billfold-bone'} />
      ))}
    </div>
  )
}
