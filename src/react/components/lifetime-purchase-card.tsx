import { type ReactNode, useState } from 'react'
import { useBilling } from '../billing-context.js'
import { useCheckout } from '../hooks/use-checkout.js'
import { usePlans, useSubscription } from '../hooks/use-subscription.js'
import { Badge } from '../primitives/badge.js'
import { Button } from '../primitives/button.js'
import { Confirm } from '../primitives/dialog.js'
import { Skeleton } from '../primitives/skeleton.js'

/** Which plan is sold for life. */
export interface LifetimePurchaseCardProps {
  /** Which plan, where several are sold for life; default the first. */
  readonly plan?: string
  readonly description?: string
}

/** A plan that is paid for once. Nothing where none is sold. */
export function LifetimePurchaseCard({ plan: name, description }: LifetimePurchaseCardProps): ReactNode {
  const { text, format, access } = useBilling()
  const plans = usePlans()
  const subscription = useSubscription()
  const checkout = useCheckout()
  const [isAsking, setAsking] = useState(false)
  if (plans.isPending) return <Skeleton lines={2} />
  const plan = plans.data?.plans.find(
    ({ id, price }) => price?.interval === 'once' && (name === undefined || id === name),
  )
  if (!plan?.price) return null
  const amount = format.money(plan.price.amount, plan.price.currency)
  const isOwned = subscription.data?.is_lifetime === true && subscription.data.tier === plan.id
  return (
    <section className="billfold-offer" aria-label={text('lifetime.title', { plan: plan.name })}>
      <div>
        <h3 className="billfold-plan-name">{text('lifetime.title', { plan: plan.name })}</h3>
        <p className="billfold-muted">{description ?? text('lifetime.text')}</p>
      </div>
      {isOwned ? (
        <Badge tone="positive">
          {text('lifetime.owned', {
            date: format.date(subscription.data?.lifetime_purchase_date ?? subscription.data?.created_at ?? ''),
          })}
        </Badge>
      ) : (
        access.pay && (
          <Button variant="primary" onClick={() => setAsking(true)}>
            {text('lifetime.buy', { amount })}
          </Button>
        )
      )}
      {isAsking && (
        <Confirm
          title={text('lifetime.confirmTitle', { plan: plan.name, amount })}
          confirm={text('lifetime.buy', { amount })}
          isBusy={checkout.isPending || checkout.isSuccess}
          problem={checkout.error}
          onConfirm={() => checkout.mutate({ kind: 'lifetime', plan: plan.id })}
          onClose={() => setAsking(false)}
        >
          <p>{text('lifetime.confirmText')}</p>
        </Confirm>
      )}
    </section>
  )
}
