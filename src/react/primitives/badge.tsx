import type { ReactNode } from 'react'
import { useBilling } from '../billing-context.js'
import { isMessage } from '../messages.js'
import { Icon, type IconName } from './icon.js'

export type Tone = 'neutral' | 'positive' | 'warning' | 'danger'

const icons: Readonly<Record<Tone, IconName>> = {
  neutral: 'dot',
  positive: 'check',
  warning: 'warning',
  danger: 'danger',
}

/** A state in a word, with a mark: never by colour alone. */
export function Badge({ tone = 'neutral', icon, children }: BadgeProps): ReactNode {
  return (
    <span className={`billfold-badge billfold-tone-${tone}`}>
      <Icon name={icon ?? icons[tone]} />
      <span>{children}</span>
    </span>
  )
}

interface BadgeProps {
  readonly tone?: Tone
  readonly icon?: IconName
  readonly children: ReactNode
}

const tones: Readonly<Record<string, Tone>> = {
  active: 'positive',
  paid: 'positive',
  trialing: 'positive',
  past_due: 'danger',
  failed: 'danger',
  uncollectible: 'danger',
  suspended: 'danger',
  open: 'warning',
  finalized: 'warning',
  pending: 'warning',
  incomplete: 'warning',
  paused: 'warning',
}

/** A state of the wire; one that is new is shown as it is called there. */
export function StatusBadge({ status }: { readonly status: string }): ReactNode {
  const { text } = useBilling()
  const key = `status.${status}`
  return <Badge tone={tones[status] ?? 'neutral'}>{isMessage(key) ? text(key) : status.replaceAll('_', ' ')}</Badge>
}
