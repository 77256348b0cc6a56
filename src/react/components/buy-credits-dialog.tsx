import { type ReactNode, useId, useState } from 'react'
import { useBilling } from '../billing-context.js'
import { compare, quotient } from '../decimal.js'
import { useCheckout } from '../hooks/use-checkout.js'
import { usePlans } from '../hooks/use-subscription.js'
import { Button } from '../primitives/button.js'
import { Dialog } from '../primitives/dialog.js'
import { Field } from '../primitives/field.js'
import { ProblemNotice } from '../primitives/problem-notice.js'

/** What is offered, and how it is closed. */
export interface BuyCreditsDialogProps {
  /** Called when it is done or given up. */
  readonly onClose: () => void
  /** What is offered, in whole units of the catalog's currency; default 25, 50, 100, 250 and 500. */
  readonly amounts?: readonly string[]
  /** What may be entered; default 1 to 1,000, which is the most the server takes at once. */
  readonly bounds?: { readonly least: string; readonly most: string }
}

export function BuyCreditsDialog({
  onClose,
  amounts = ['25', '50', '100', '250', '500'],
  bounds = { least: '1', most: '1000' },
}: BuyCreditsDialogProps): ReactNode {
  const { text, format } = useBilling()
  const name = useId()
  const plans = usePlans()
  const checkout = useCheckout()
  const [chosen, setChosen] = useState<string>(amounts[1] ?? amounts[0] ?? 'custom')
  const [entered, setEntered] = useState('')
  const [isTried, setTried] = useState(false)
  const currency = plans.data?.currency ?? 'USD'
  const amount = chosen === 'custom' ? amountOf(entered) : chosen
  const isWithin = amount !== null && compare(amount, bounds.least) >= 0 && compare(amount, bounds.most) <= 0
  const range = { least: format.money(bounds.least, currency), most: format.money(bounds.most, currency) }
  return (
    <Dialog
      title={text('buy.title')}
      onClose={onClose}
      onSubmit={() => {
        setTried(true)
        if (isWithin) checkout.mutate({ kind: 'credits', amount })
      }}
      footer={
        <>
          <Button onClick={onClose}>{text('action.cancel')}</Button>
          <Button type="submit" variant="primary" isBusy={checkout.isPending || checkout.isSuccess}>
            {isWithin ? text('buy.submit', { amount: format.money(amount, currency) }) : text('buy.submitNone')}
          </Button>
        </>
      }
    >
      <fieldset className="billfold-amounts">
        <legend>{text('buy.amount')}</legend>
        {[...amounts, 'custom'].map((value) => (
          <label key={value}>
            <input
              type="radio"
              name={name}
              value={value}
              checked={chosen === value}
              onChange={() => setChosen(value)}
            />
            <span>{value === 'custom' ? text('buy.custom') : wholeMoney(value)}</span>
          </label>
        ))}
      </fieldset>
      {chosen === 'custom' && (
        <Field
          label={text('buy.custom')}
          hint={text('buy.customHint', range)}
          error={isTried && !isWithin ? text('buy.invalid', range) : null}
          before={format.symbol(currency)}
          inputMode="decimal"
          autoComplete="off"
          value={entered}
          onChange={({ target }) => setEntered(target.value)}
        />
      )}
      <p className="billfold-strong" aria-live="polite">
        {isWithin && plans.data
          ? text('buy.gives', { credits: format.number(quotient(amount, plans.data.credit_price)) })
          : '\u00a0'}
      </p>
      <p className="billfold-muted">{text('buy.text')}</p>
      {checkout.error && <ProblemNotice problem={checkout.error} isWrite />}
    </Dialog>
  )

  function wholeMoney(value: string): string {
    return format.money(value, currency).replace(/[.,]00(?!\d)/, '')
  }
}

/** What was entered, as decimal text of at most two decimals; a comma is a point to many. `null` for anything else. */
function amountOf(entered: string): string | null {
  const written = entered.trim().replace(',', '.')
  return /^\d{1,6}(\.\d{1,2})?$/.test(written) ? written : null
}
