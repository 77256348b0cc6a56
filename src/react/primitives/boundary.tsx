import { Component, type ReactNode } from 'react'
import { useBilling } from '../billing-context.js'
import { Button } from './button.js'

interface State {
  readonly hasFailed: boolean
}

/** Keeps a part that fails while it is drawn from taking the page along. React has error boundaries as classes only. */
export class Boundary extends Component<{ readonly children?: ReactNode }, State> {
  override readonly state: State = { hasFailed: false }

  static getDerivedStateFromError(): State {
    return { hasFailed: true }
  }

  override render(): ReactNode {
    if (!this.state.hasFailed) return this.props.children
    return <Failed onRetry={() => this.setState({ hasFailed: false })} />
  }
}

function Failed({ onRetry }: { readonly onRetry: () => void }): ReactNode {
  const { text } = useBilling()
  return (
    <div className="billfold-notice billfold-tone-danger" role="alert">
      <p>{text('problem.boundary')}</p>
      <Button onClick={onRetry}>{text('action.retry')}</Button>
    </div>
  )
}
