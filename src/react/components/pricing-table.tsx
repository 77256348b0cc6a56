import { type ReactNode, useState } from 'react'
import type { Plan, PriceList, Subscription } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { compare } from '../decimal.js'
import { usePlans, useSubscription } from '../hooks/use-subscription.js'
import { Badge } from '../primitives/badge.js'
import { Button } from '../primitives/button.js'
import { Card } from '../primitives/card.js'
import { Choice } from '../primitives/choice.js'
import { Icon } from '../primitives/icon.js'
import { Loaded } from '../primitives/loaded.js'
import { Skeleton } from '../primitives/skeleton.js'
import { Empty } from '../primitives/table.js'
import { LifetimePurchaseCard } from './lifetime-purchase-card.js'
import { UpgradeDialog } from './on-demand.js'

/** Which plans, and who is asked about those without a price. */
export interface PricingTableProps {
  /** Only these plans, in this order; default all that are in the catalog. Plans for life have a card of their own below. */
  readonly plans?: readonly string[]
  /** Leads to whoever agrees on prices, for plans that have none. Without it they have no button. */
  readonly onContact?: (plan: Plan) => void
  /** What each plan is good for, in a sentence. */
  readonly descriptions?: Readonly<Record<string, string>>
}

type Interval = 'month' | 'year'

/** The plans beside each other: what they cost by the month or year, what they include, and which one has. */
export function PricingTable(props: PricingTableProps): ReactNode {
  const { text } = useBilling()
  const plans = usePlans()
  const subscription = useSubscription()
  const [chosen, setChosen] = useState<Interval | null>(null)
  const [wanted, setWanted] = useState<Plan | null>(null)
  const listed = plans.data?.plans ?? []
  const ownInterval = listed.find(({ id }) => id === subscription.data?.tier)?.price?.interval
  const intervals = (['month', 'year'] as const).filter((each) => listed.some(({ price }) => price?.interval === each))
  const interval = chosen ?? (ownInterval === 'year' ? 'year' : 'month')
  return (
    <Card
      title={text('plans.title')}
      isBusy={plans.isPending || subscription.isPending}
      actions={
        intervals.length > 1 && (
          <Choice
            label={text('plans.interval')}
            value={interval}
            onChange={setChosen}
            options={intervals.map((value) => ({ value, label: text(`plans.${value}`) }))}
          />
        )
      }
    >
      <Loaded of={plans} isEarly={subscription.isPending} skeleton={<Skeleton lines={6} of="blocks" />}>
        {(prices) => {
          const all = props.plans
            ? props.plans.flatMap((name) => prices.plans.filter(({ id }) => id === name))
            : prices.plans
          const shown = all.filter(({ price }) => price === null || price.interval === interval)
          const forLife = all.filter(({ price }) => price?.interval === 'once')
          if (all.length === 0) return <Empty>{text('plans.empty')}</Empty>
          return (
            <>
              <ul className="billfold-plans">
                {shown.map((plan) => (
                  <PlanColumn
                    key={plan.id}
                    plan={plan}
                    prices={prices}
                    subscription={subscription.data}
                    description={props.descriptions?.[plan.id]}
                    onContact={props.onContact}
                    onChoose={setWanted}
                  />
                ))}
              </ul>
              {forLife.map((plan) => (
                <LifetimePurchaseCard key={plan.id} plan={plan.id} />
              ))}
            </>
          )
        }}
      </Loaded>
      {wanted && <UpgradeDialog plan={wanted} onClose={() => setWanted(null)} />}
    </Card>
  )
}

interface PlanColumnProps {
  readonly plan: Plan
  readonly prices: PriceList
  readonly subscription: Subscription | undefined
  readonly description: string | undefined
  readonly onContact: ((plan: Plan) => void) | undefined
  readonly onChoose: (plan: Plan) => void
}

function PlanColumn({ plan, prices, subscription, description, onContact, onChoose }: PlanColumnProps): ReactNode {
  const { text, format, access, nameOf } = useBilling()
  const isCurrent = subscription?.tier === plan.id
  const { price } = plan
  const own = prices.plans.find(({ id }) => id === subscription?.tier)
  const isMore = compare(price?.amount ?? 0, own?.price?.amount ?? 0) > 0
  const label = subscription === undefined ? 'plans.choose' : isMore ? 'plans.upgrade' : 'plans.downgrade'
  return (
    <li className={isCurrent ? 'billfold-plan billfold-plan-current' : 'billfold-plan'}>
      <h3 className="billfold-plan-name">
        {plan.name}
        {isCurrent && <Badge tone="positive">{text('plans.current')}</Badge>}
      </h3>
      <p className="billfold-plan-price">
        {price === null ? (
          <span className="billfold-big">{text(plan.is_default ? 'unit.free' : 'unit.custom')}</span>
        ) : (
          <PriceOf plan={plan} />
        )}
      </p>
      {description !== undefined && <p className="billfold-muted">{description}</p>}
      <ul className="billfold-features">
        {featuresOf(plan, prices).map((feature) => (
          <li key={feature}>
            <Icon name="check" />
            <span>{feature}</span>
          </li>
        ))}
      </ul>
      <div className="billfold-plan-foot">
        {price !== null && price.trial_days > 0 && !isCurrent && !own?.price && (
          <p className="billfold-muted">{text('plans.trial', { count: price.trial_days })}</p>
        )}
        {price !== null && !isCurrent && access.manage && subscription && (
          <Button variant={isMore ? 'primary' : 'secondary'} onClick={() => onChoose(plan)}>
            {text(label, { plan: plan.name })}
          </Button>
        )}
        {price === null && !plan.is_default && !isCurrent && onContact && (
          <Button onClick={() => onContact(plan)}>{text('plans.contact')}</Button>
        )}
      </div>
    </li>
  )

  function featuresOf({ meters, credits_per_period, overage, is_byo, features }: Plan, { meters: known }: PriceList) {
    const limits = known.flatMap(({ meter }) => {
      const terms = meters.find((each) => each.meter === meter)
      return terms ? [limitText(terms)] : []
    })
    return [
      ...limits,
      ...(compare(credits_per_period, 0) > 0
        ? [text('plans.credits', { credits: format.number(credits_per_period) })]
        : []),
      ...(is_byo ? [text('plans.byo')] : []),
      ...(overage ? [text('plans.overage')] : []),
      ...Object.entries(features).flatMap(([name, value]) => (value === true ? [nameOf(name)] : [])),
    ]
  }

  function limitText({ meter, included, limit }: Plan['meters'][number]): string {
    const name = nameOf(meter)
    if (included === 'unlimited') return text('plans.unlimited', { meter: name })
    return text('plans.limit', { limit: format.number(limit ?? included), meter: name })
  }
}

function PriceOf({ plan: { price } }: { readonly plan: Plan }): ReactNode {
  const { text, format } = useBilling()
  if (!price) return null
  const amount = format.money(price.amount, price.currency)
  const [before = '', after = ''] = text(price.interval === 'year' ? 'unit.perYear' : 'unit.perMonth', {
    amount,
  }).split(amount)
  return (
    <>
      {before}
      <span className="billfold-big">{amount}</span>
      <span className="billfold-muted">
        {after} {price.per_seat && text('unit.perSeat')}
      </span>
    </>
  )
}
