import { type ComponentPropsWithRef, type ReactNode, useId } from 'react'
import { Icon } from './icon.js'

interface FieldProps extends Omit<ComponentPropsWithRef<'input'>, 'className' | 'id'> {
  readonly label: string
  readonly hint?: string
  readonly error?: string | null
  readonly before?: string
}

/** A line of text with its label, and what is wrong with it beside it. */
export function Field({ label, hint, error = null, before, ...input }: FieldProps): ReactNode {
  const id = useId()
  const described = error !== null ? `${id}-error` : hint === undefined ? undefined : `${id}-hint`
  return (
    <div className="billfold-field">
      <label htmlFor={id}>{label}</label>
      <div className="billfold-input">
        {before !== undefined && <span aria-hidden="true">{before}</span>}
        <input {...input} id={id} aria-invalid={error !== null || undefined} aria-describedby={described} />
      </div>
      {error !== null ? (
        <p className="billfold-field-error" id={`${id}-error`}>
          <Icon name="danger" />
          {error}
        </p>
      ) : (
        hint !== undefined && (
          <p className="billfold-hint" id={`${id}-hint`}>
            {hint}
          </p>
        )
      )}
    </div>
  )
}
