import type { ReactNode } from 'react'
import { useBilling } from '../billing-context.js'
import { usePlans } from '../hooks/use-subscription.js'
import { useUsageLimits } from '../hooks/use-usage.js'
import { Card } from '../primitives/card.js'
import { Loaded } from '../primitives/loaded.js'
import { Skeleton } from '../primitives/skeleton.js'
import { Empty } from '../primitives/table.js'
import { QuotaBar } from './quota-bar.js'

/** Which meters are shown. */
export interface UsageCardProps {
  /** Only these meters, in this order; default all. */
  readonly meters?: readonly string[]
  /** What leads to a larger plan. */
  readonly onUpgrade?: () => void
}

/** How far each meter of the plan is used. */
export function UsageCard({ meters, onUpgrade }: UsageCardProps): ReactNode {
  const { text } = useBilling()
  const limits = useUsageLimits()
  const plans = usePlans()
  const isPending = limits.isPending || plans.isPending
  const near = limits.data?.limits.filter(({ status }) => status !== 'below_quota').length
  const summary =
    near === undefined || isPending
      ? undefined
      : near === 0
        ? text('usage.withinAll')
        : text('usage.summary', { count: near })
  return (
    <Card title={text('usage.title')} summary={summary} hasSummary isBusy={isPending}>
      <Loaded of={limits} isEarly={plans.isPending} skeleton={<Skeleton lines={meters?.length ?? 2} of="quotas" />}>
        {({ limits: all }) => {
          const shown = meters ? meters.flatMap((name) => all.filter(({ meter }) => meter === name)) : all
          if (shown.length === 0) return <Empty>{text('usage.empty')}</Empty>
          const levels = plans.data?.meters
            .filter(({ aggregation }) => aggregation === 'level')
            .map(({ meter }) => meter)
          return (
            <div className="billfold-quotas">
              {shown.map((quota) => (
                <QuotaBar
                  key={quota.meter}
                  quota={quota}
                  isLevel={levels?.includes(quota.meter) ?? false}
                  onUpgrade={onUpgrade}
                />
              ))}
            </div>
          )
        }}
      </Loaded>
    </Card>
  )
}
