import { type ReactNode, useState } from 'react'
import type { Plan, Subscription } from '../../client/client.js'
import { type BillingContextValue, useBilling } from '../billing-context.js'
import {
  useCancelSubscription,
  usePlans,
  useReactivateSubscription,
  useSubscription,
} from '../hooks/use-subscription.js'
import { StatusBadge } from '../primitives/badge.js'
import { Button } from '../primitives/button.js'
import { Card } from '../primitives/card.js'
import { Confirm } from '../primitives/dialog.js'
import { Loaded } from '../primitives/loaded.js'
import { ProblemNotice } from '../primitives/problem-notice.js'
import { Skeleton } from '../primitives/skeleton.js'
import { useToast } from '../primitives/toast.js'
import { planPrice } from './plan-price.js'

/** What changing the plan does. */
export interface SubscriptionCardProps {
  /** Leads to the plans. */
  readonly onChangePlan?: () => void
}

/** The plan one has, what it costs, and until when. */
export function SubscriptionCard({ onChangePlan }: SubscriptionCardProps): ReactNode {
  const { text, access } = useBilling()
  const subscription = useSubscription()
  const plans = usePlans()
  return (
    <Card
      title={text('subscription.title')}
      isBusy={subscription.isPending || plans.isPending}
      actions={access.manage && onChangePlan && <Button onClick={onChangePlan}>{text('subscription.change')}</Button>}
    >
      <Loaded of={subscription} isEarly={plans.isPending} skeleton={<Skeleton lines={4} />}>
        {(data) => <Shown subscription={data} plan={plans.data?.plans.find(({ id }) => id === data.tier)} />}
      </Loaded>
    </Card>
  )
}

function Shown({
  subscription,
  plan,
}: {
  readonly subscription: Subscription
  readonly plan: Plan | undefined
}): ReactNode {
  const billing = useBilling()
  const { text, access } = billing
  const toast = useToast()
  const cancel = useCancelSubscription()
  const reactivate = useReactivateSubscription()
  const [isAsking, setAsking] = useState(false)
  const name = plan?.name ?? subscription.tier
  const { cancel_at_period_end, is_byo, byo_providers_configured, status } = subscription
  const end = subscription.current_period_end
  const isPaid = plan?.price?.interval === 'month' || plan?.price?.interval === 'year'
  const isGoingOn = isPaid && status !== 'canceled' && status !== 'incomplete'
  return (
    <>
      <p className="billfold-headline">
        <span className="billfold-big">{name}</span>
        <span className="billfold-muted">{planPrice(plan, billing)}</span>
        <StatusBadge status={status} />
      </p>
      <p>{termOf(subscription, isPaid, billing)}</p>
      {is_byo && (
        <p className="billfold-muted">
          {byo_providers_configured
            ? text('subscription.byo', { providers: billing.format.list(byo_providers_configured) })
            : text('subscription.byoNone')}
        </p>
      )}
      {status === 'past_due' && <p className="billfold-notice billfold-tone-danger">{text('subscription.pastDue')}</p>}
      {reactivate.error && <ProblemNotice problem={reactivate.error} isWrite onRetry={() => reactivate.mutate()} />}
      {access.manage && isGoingOn && (
        <div className="billfold-actions">
          {cancel_at_period_end ? (
            <Button
              variant="primary"
              isBusy={reactivate.isPending}
              onClick={() => reactivate.mutate(undefined, { onSuccess: () => toast(text('subscription.reactivated')) })}
            >
              {text('subscription.reactivate')}
            </Button>
          ) : (
            <Button variant="quiet" onClick={() => setAsking(true)}>
              {text('subscription.cancel')}
            </Button>
          )}
        </div>
      )}
      {isAsking && (
        <Confirm
          title={text('subscription.cancelTitle', { plan: name })}
          confirm={text('subscription.cancelNow')}
          cancel={text('subscription.keep')}
          isDangerous
          isBusy={cancel.isPending}
          problem={cancel.error}
          onClose={() => {
            setAsking(false)
            cancel.reset()
          }}
          onConfirm={() =>
            cancel.mutate(undefined, {
              onSuccess: (after) => {
                setAsking(false)
                const date = billing.format.date(after.current_period_end ?? after.updated_at)
                toast(text('subscription.canceled', { date }))
              },
            })
          }
        >
          <p>{text('subscription.cancelText', { date: end === null ? '' : billing.format.date(end) })}</p>
        </Confirm>
      )}
    </>
  )
}

function termOf(subscription: Subscription, isPaid: boolean, { text, format }: BillingContextValue): string {
  const { status, current_period_end: end, trial_end, cancel_at_period_end, is_lifetime } = subscription
  if (is_lifetime) {
    return text('subscription.lifetime', {
      date: format.date(subscription.lifetime_purchase_date ?? subscription.created_at),
    })
  }
  if (end === null) return ''
  const date = format.date(end)
  if (status === 'canceled') return text('subscription.ended', { date })
  if (cancel_at_period_end) return text('subscription.ends', { date })
  if (status === 'trialing' && trial_end !== null) return text('subscription.trial', { date: format.date(trial_end) })
  return text(isPaid ? 'subscription.renews' : 'subscription.resets', { date })
}
