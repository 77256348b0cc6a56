import type { ReactNode } from 'react'
import { useBilling } from '../billing-context.js'

interface SkeletonProps {
  readonly lines?: number
  /** What the lines are of: each kind is as high as what will be there. */
  readonly of?: 'text' | 'blocks' | 'quotas' | 'rows'
}

/** The outline of what is being read: as many lines as there will be. */
export function Skeleton({ lines = 3, of = 'text' }: SkeletonProps): ReactNode {
  const { text } = useBilling()
  return (
    <div className={`billfold-skeleton billfold-bones-${of}`} role="status">
      <span className="billfold-hidden">{text('action.loading')}</span>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines have nothing but their place
        <span key={line} className="billfold-bone" />
      ))}
    </div>
  )
}
