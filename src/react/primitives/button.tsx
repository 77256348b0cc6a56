import type { ComponentPropsWithRef, ReactNode } from 'react'
import { useBilling } from '../billing-context.js'
import { Icon, type IconName } from './icon.js'

interface ButtonProps extends Omit<ComponentPropsWithRef<'button'>, 'className'> {
  readonly variant?: 'primary' | 'secondary' | 'danger' | 'quiet'
  readonly icon?: IconName
  /** In flight: it cannot be pressed again, and keeps its width and focus. */
  readonly isBusy?: boolean
}

export function Button({
  variant = 'secondary',
  icon,
  isBusy = false,
  children,
  onClick,
  ...rest
}: ButtonProps): ReactNode {
  return (
    <button
      type="button"
      {...rest}
      className={`billfold-button billfold-button-${variant}`}
      aria-disabled={isBusy || undefined}
      aria-busy={isBusy || undefined}
      onClick={isBusy ? (event) => event.preventDefault() : onClick}
    >
      {isBusy ? <span className="billfold-spinner" /> : icon && <Icon name={icon} />}
      <span>{children}</span>
    </button>
  )
}

/** Opens how something came about, which stands in the middle of other text. */
export function ExplainButton({
  what,
  onClick,
  children = what,
}: {
  /** What it says, and what a screen reader is told of. */
  readonly what: string
  readonly onClick: () => void
  readonly children?: ReactNode
}): ReactNode {
  const { text } = useBilling()
  return (
    <button type="button" className="billfold-link" aria-label={text('action.explain', { what })} onClick={onClick}>
      {children}
    </button>
  )
}

/** Copies what a person will need elsewhere, such as an id. */
export function CopyButton({ value, what }: { readonly value: string; readonly what: string }): ReactNode {
  const { text } = useBilling()
  return (
    <button
      type="button"
      className="billfold-copy"
      aria-label={text('action.copy', { what })}
      title={value}
      onClick={({ currentTarget }) => {
        void navigator.clipboard?.writeText(value).then(() => {
          currentTarget.dataset.copied = text('action.copied')
          setTimeout(() => delete currentTarget.dataset.copied, 1_500)
        })
      }}
    >
      <Icon name="copy" />
    </button>
  )
}
