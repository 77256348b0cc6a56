import { type ReactNode, useId } from 'react'
import { Boundary } from './boundary.js'
import { useRoom } from './room.js'

interface CardProps {
  readonly title: string
  /** What a person came to know, in one line. */
  readonly summary?: ReactNode
  /** It has one once it is read: its line is kept free until then. */
  readonly hasSummary?: boolean
  /** Beside the title. */
  readonly actions?: ReactNode
  readonly children?: ReactNode
  readonly isBusy?: boolean
}

/** A part of the billing area: a region with a heading. What fails in it takes nothing else along. */
export function Card({ title, summary, hasSummary = false, actions, children, isBusy = false }: CardProps): ReactNode {
  const id = useId()
  const room = useRoom(title, isBusy)
  return (
    <section ref={room} className="billfold-card" aria-labelledby={id} aria-busy={isBusy || undefined}>
      <header className="billfold-card-header">
        <h2 className="billfold-card-title" id={id}>
          {title}
        </h2>
        {(summary !== undefined || (hasSummary && isBusy)) && (
          <div className="billfold-summary">{summary ?? '\u00a0'}</div>
        )}
        {actions !== undefined && <div className="billfold-actions">{actions}</div>}
      </header>
      <Boundary>{children}</Boundary>
    </section>
  )
}
