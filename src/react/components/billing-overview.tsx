import { type ReactNode, useRef } from 'react'
import { useBilling } from '../billing-context.js'
import { useBillingAccount } from '../hooks/use-billing-account.js'
import { usePortal } from '../hooks/use-checkout.js'
import { StatusBadge } from '../primitives/badge.js'
import { Button } from '../primitives/button.js'
import { Icon } from '../primitives/icon.js'
import { ProblemNotice } from '../primitives/problem-notice.js'
import { CostBreakdown } from './cost-breakdown.js'
import { CreditBalance } from './credit-balance.js'
import { InvoiceList } from './invoice-list.js'
import { PaymentMethodList } from './payment-method-list.js'
import { PricingTable } from './pricing-table.js'
import { SubscriptionCard } from './subscription-card.js'
import { UsageCard } from './usage-card.js'

/** What the overview shows, and where its links lead. */
export interface BillingOverviewProps {
  /** Leads to the plans; default they are shown at the end of the page. */
  readonly onChangePlan?: () => void
  /** Which meters are shown, in this order; default all. Named, their room is kept while they are read. */
  readonly meters?: readonly string[]
}

/** A whole billing page: plan, credits, usage, payment methods, invoices and costs. */
export function BillingOverview({ onChangePlan, meters }: BillingOverviewProps): ReactNode {
  const { text, access } = useBilling()
  const account = useBillingAccount()
  const portal = usePortal()
  const plans = useRef<HTMLDivElement>(null)
  const toPlans = () => plans.current?.scrollIntoView({ block: 'start' })
  const change = onChangePlan ?? toPlans
  const isSuspended = account.data?.status === 'suspended'
  return (
    <div className="billfold-overview">
      <header className="billfold-page-header">
        <h1>{text('overview.title')}</h1>
        {isSuspended && <StatusBadge status="suspended" />}
        {access.manage && account.data?.stripe_customer_id && (
          <Button isBusy={portal.isPending} onClick={() => portal.mutate()}>
            {text('overview.portal')}
          </Button>
        )}
      </header>
      {portal.error && <ProblemNotice problem={portal.error} />}
      {isSuspended && (
        <p className="billfold-notice billfold-tone-danger" role="alert">
          <Icon name="danger" />
          <span>{text('overview.suspended')}</span>
        </p>
      )}
      {!access.pay && !access.manage && (
        <p className="billfold-notice">
          <Icon name="info" />
          <span>{text('overview.readOnly')}</span>
        </p>
      )}
      <div className="billfold-grid">
        <SubscriptionCard onChangePlan={change} />
        <CreditBalance />
        <UsageCard onUpgrade={change} {...(meters && { meters })} />
        <PaymentMethodList />
      </div>
      <InvoiceList latest={5} />
      <CostBreakdown />
      {!onChangePlan && (
        <div ref={plans}>
          <PricingTable />
        </div>
      )}
    </div>
  )
}
