import type { ReactNode } from 'react'
import { useBilling } from '../billing-context.js'
import { Choice } from '../primitives/choice.js'

/** How many days are shown. */
export type Span = '7' | '30'

export function SpanChoice({
  value,
  onChange,
}: {
  readonly value: Span
  readonly onChange: (span: Span) => void
}): ReactNode {
  const { text } = useBilling()
  return (
    <Choice
      label={text('timeline.span')}
      value={value}
      onChange={onChange}
      options={[
        { value: '7', label: text('timeline.days7') },
        { value: '30', label: text('timeline.days30') },
      ]}
    />
  )
}
