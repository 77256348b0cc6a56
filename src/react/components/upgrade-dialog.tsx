import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { Plan, PreviewedChange } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { compare } from '../decimal.js'
import {
  type ChangedSubscription,
  useChangeSubscription,
  usePlans,
  usePreviewChange,
  useSubscription,
} from '../hooks/use-subscription.js'
import { addEnglish } from '../messages.js'
import { onDemandEnglish } from '../on-demand-messages.js'
import { Button } from '../primitives/button.js'
import { Dialog } from '../primitives/dialog.js'
import { Money } from '../primitives/figures.js'
import { Loaded } from '../primitives/loaded.js'
import { ProblemNotice } from '../primitives/problem-notice.js'
import { Skeleton } from '../primitives/skeleton.js'
import { useToast } from '../primitives/toast.js'
import { CheckoutDialog } from './checkout-dialog.js'
import { planPrice } from './plan-price.js'

addEnglish(onDemandEnglish)

/** To which plan, and how it is closed. */
export interface UpgradeDialogProps {
  readonly plan: Plan
  /** Called when it is done or given up. */
  readonly onClose: () => void
}

export function UpgradeDialog({ plan, onClose }: UpgradeDialogProps): ReactNode {
  const subscription = useSubscription()
  const plans = usePlans()
  const own = plans.data?.plans.find(({ id }) => id === subscription.data?.tier)
  const isSubscribed = own?.price != null && own.price.interval !== 'once' && subscription.data?.status !== 'canceled'
  return isSubscribed ? <Change plan={plan} onClose={onClose} /> : <Subscribe plan={plan} onClose={onClose} />
}

function Subscribe({ plan, onClose }: UpgradeDialogProps): ReactNode {
  const billing = useBilling()
  const { text } = billing
  return (
    <CheckoutDialog
      title={text('upgrade.title', { plan: plan.name })}
      sale={{ kind: 'subscription', plan: plan.id }}
      label={text('upgrade.checkout')}
      onClose={onClose}
    >
      <p className="billfold-big">{planPrice(plan, billing)}</p>
      {plan.price !== null && plan.price.trial_days > 0 && (
        <p>{text('plans.trial', { count: plan.price.trial_days })}</p>
      )}
      <p className="billfold-muted">{text('upgrade.checkoutText')}</p>
    </CheckoutDialog>
  )
}

function Change({ plan, onClose }: UpgradeDialogProps): ReactNode {
  const { text } = useBilling()
  const toast = useToast()
  const preview = usePreviewChange(plan.id)
  const change = useChangeSubscription()
  const queries = useQueryClient()
  const [outcome, setOutcome] = useState<ChangedSubscription['payment']>(null)
  const { data } = preview
  const isDue = data !== undefined && compare(data.amount_due, 0) > 0
  const apply = () => {
    if (!data) return
    setOutcome(null)
    change.mutate(
      { plan: plan.id, previewed_at: data.at },
      {
        onSuccess: ({ payment }) => {
          if (payment?.status === 'declined' || payment?.status === 'requires_action') return setOutcome(payment)
          toast(text(payment?.status === 'processing' ? 'upgrade.processing' : 'upgrade.done', { plan: plan.name }))
          onClose()
        },
        // The amounts may be what was refused: they are worked out again.
        onError: () => void queries.invalidateQueries({ queryKey: ['billing', 'preview'] }),
      },
    )
  }
  return (
    <Dialog
      title={text('upgrade.title', { plan: plan.name })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{text('action.cancel')}</Button>
          <Button variant="primary" isBusy={change.isPending} disabled={!data} onClick={apply}>
            {isDue ? <ConfirmText preview={data} /> : text('upgrade.confirmFree')}
          </Button>
        </>
      }
    >
      <Loaded of={preview} skeleton={<Skeleton lines={4} />}>
        {(previewed) => <Amounts preview={previewed} plan={plan} />}
      </Loaded>
      {outcome?.status === 'declined' && (
        <p className="billfold-notice billfold-tone-danger" role="alert">
          {text('upgrade.declined', { reason: outcome.message ?? '' })}
        </p>
      )}
      {outcome?.status === 'requires_action' && (
        <p className="billfold-notice billfold-tone-warning" role="alert">
          {text('upgrade.action')} {outcome.url !== null && <a href={outcome.url}>{text('upgrade.actionLink')}</a>}
        </p>
      )}
      {change.error && <ProblemNotice problem={change.error} isWrite />}
    </Dialog>
  )
}

function ConfirmText({ preview }: { readonly preview: PreviewedChange }): ReactNode {
  const { text, format } = useBilling()
  return text('upgrade.confirm', { amount: format.money(preview.amount_due, preview.currency) })
}

function Amounts({ preview, plan }: { readonly preview: PreviewedChange; readonly plan: Plan }): ReactNode {
  const billing = useBilling()
  const { text, format } = billing
  const { currency, amount_due, total } = preview
  const isCredit = compare(total, 0) < 0
  const parts = [
    ['upgrade.discount', preview.discount_amount],
    ['upgrade.tax', preview.tax_amount],
    ['upgrade.credits', preview.credits_applied],
  ] as const
  return (
    <>
      <dl className="billfold-totals billfold-totals-first">
        <div>
          <dt>{text(isCredit ? 'upgrade.credited' : 'upgrade.today')}</dt>
          <dd className="billfold-big">
            <Money amount={isCredit ? String(total).replace('-', '') : amount_due} currency={currency} />
          </dd>
        </div>
      </dl>
      <p className="billfold-muted">{thenText()}</p>
      {preview.line_items.length > 0 && (
        <details className="billfold-details" open>
          <summary>{text('upgrade.lines')}</summary>
          <dl className="billfold-totals">
            {preview.line_items.map(({ description, amount }) => (
              <div key={`${description}${amount}`}>
                <dt>{description}</dt>
                <dd>
                  <Money amount={amount} currency={currency} />
                </dd>
              </div>
            ))}
            {parts.map(([key, amount]) =>
              compare(amount, 0) === 0 ? null : (
                <div key={key}>
                  <dt>{text(key)}</dt>
                  <dd>
                    <Money amount={amount} currency={currency} />
                  </dd>
                </div>
              ),
            )}
          </dl>
        </details>
      )}
    </>
  )

  function thenText(): string {
    const price = planPrice(plan, billing)
    const ends = preview.line_items.flatMap(({ period_end }) => (period_end === null ? [] : [period_end])).sort()
    const last = ends.at(-1)
    return last === undefined
      ? text('upgrade.then', { price })
      : text('upgrade.thenFrom', { price, date: format.date(last) })
  }
}
