import type { ReactNode } from 'react'
import { useBilling } from '../billing-context.js'

/** The outline of what is being read: as many lines as there will be. */
export function Skeleton({
  lines = 3,
  isTall = false,
}: {
  readonly lines?: number
  readonly isTall?: boolean
}): ReactNode {
  const { text } = useBilling()
  return (
    <div className="billfold-skeleton" role="status">
      <span className="billfold-hidden">{text('action.loading')}</span>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines have nothing but their place
        <span key={line} className={isTall ? 'billfold-bone billfold-bone-tall' : 'billfold-bone'} />
      ))}
    </div>
  )
}
