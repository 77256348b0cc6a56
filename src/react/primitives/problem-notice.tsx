import type { ReactNode } from 'react'
import type { BillingProblem } from '../../client/problem.js'
import { useBilling } from '../billing-context.js'
import { Button, CopyButton } from './button.js'
import { Icon } from './icon.js'

interface ProblemNoticeProps {
  readonly problem: BillingProblem
  /** Whether something was to be changed: then it says what became of that. */
  readonly isWrite?: boolean
  readonly onRetry?: () => void
  readonly isRetrying?: boolean
}

/** What happened, what is safe, and what can be done. */
export function ProblemNotice({
  problem,
  isWrite = false,
  onRetry,
  isRetrying = false,
}: ProblemNoticeProps): ReactNode {
  const { text, onRemedy } = useBilling()
  const remedies = problem.remedies.filter(({ kind }) => kind === 'top_up' || kind === 'upgrade')
  const isUnknown = problem.outcome === 'unknown'
  const title = text(!isWrite ? 'problem.title' : isUnknown ? 'problem.noAnswer' : 'problem.write')
  const safe = isUnknown ? text('problem.unknown') : text('problem.notApplied')
  return (
    <div className="billfold-notice billfold-tone-danger" role="alert">
      <Icon name="danger" />
      <div>
        <p className="billfold-strong">{title}</p>
        <p>
          {problem.detail} {isWrite && safe}
        </p>
        {problem.requestId && (
          <p className="billfold-muted billfold-small">
            {text('problem.reference')} <code>{problem.requestId.slice(0, 8)}</code>
            <CopyButton value={problem.requestId} what={text('problem.reference')} />
          </p>
        )}
        {onRemedy && remedies.length > 0 && (
          <span className="billfold-actions">
            {remedies.map((remedy) => (
              <Button key={remedy.kind} variant="primary" onClick={() => onRemedy(remedy)}>
                {text(remedy.kind === 'top_up' ? 'problem.topUp' : 'problem.upgrade')}
              </Button>
            ))}
          </span>
        )}
        {onRetry && (
          <Button onClick={onRetry} isBusy={isRetrying}>
            {text('action.retry')}
          </Button>
        )}
      </div>
    </div>
  )
}
