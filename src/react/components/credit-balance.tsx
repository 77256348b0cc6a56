import { type ReactNode, useState } from 'react'
import type { CreditBalance as Balance, PriceList } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { compare, product } from '../decimal.js'
import { useCreditBalance } from '../hooks/use-credits.js'
import { usePlans } from '../hooks/use-subscription.js'
import { Badge } from '../primitives/badge.js'
import { Button } from '../primitives/button.js'
import { Card } from '../primitives/card.js'
import { Moment, Quantity } from '../primitives/figures.js'
import { Loaded } from '../primitives/loaded.js'
import { Skeleton } from '../primitives/skeleton.js'
import { Empty, Table } from '../primitives/table.js'
import { BuyCreditsDialog } from './on-demand.js'

/** What there is to spend, what it is worth, which credits it is made of and when they end. */
export function CreditBalance(): ReactNode {
  const { text, access } = useBilling()
  const credits = useCreditBalance()
  const plans = usePlans()
  const [isBuying, setBuying] = useState(false)
  return (
    <Card
      title={text('credits.title')}
      isBusy={credits.isPending || plans.isPending}
      actions={
        access.pay && (
          <Button variant="primary" onClick={() => setBuying(true)}>
            {text('credits.buy')}
          </Button>
        )
      }
    >
      <Loaded of={credits} isEarly={plans.isPending} skeleton={<Skeleton lines={7} />}>
        {(balance) => <Shown balance={balance} prices={plans.data} />}
      </Loaded>
      {isBuying && <BuyCreditsDialog onClose={() => setBuying(false)} />}
    </Card>
  )
}

const soonMs = 14 * 86_400_000

interface ShownProps {
  readonly balance: Balance
  readonly prices: PriceList | undefined
}

function Shown({ balance, prices }: ShownProps): ReactNode {
  const { text, format } = useBilling()
  const { available_credits: available, held_credits: held, debt, grants } = balance
  const isInDebt = compare(debt, 0) > 0
  const soon = grants.find(({ expires_at }) => expires_at !== null && Date.parse(expires_at) - Date.now() < soonMs)
  const facts = [
    compare(held, 0) > 0 && text('credits.held', { held: format.number(held) }),
    text('credits.used', { used: format.number(balance.credits_used_this_month) }),
    compare(balance.plan_credits_per_month, 0) > 0 &&
      text('credits.plan', { credits: format.number(balance.plan_credits_per_month) }),
  ].filter((fact) => fact !== false)
  return (
    <>
      <p className="billfold-headline" aria-live="polite">
        <span
          className={isInDebt ? 'billfold-big billfold-danger-text' : 'billfold-big'}
          title={format.exactNumber(available)}
        >
          {isInDebt
            ? text('credits.debt', { debt: format.number(debt) })
            : text('credits.available', { credits: format.number(available) })}
        </span>
        {prices && !isInDebt && (
          <span className="billfold-muted">
            {text('credits.worth', {
              amount: format.money(product(available, prices.credit_price), prices.currency),
            })}
          </span>
        )}
      </p>
      {isInDebt && <p className="billfold-notice billfold-tone-danger">{text('credits.debtText')}</p>}
      {soon?.expires_at && (
        <p>
          <Badge tone="warning" icon="clock">
            {text('credits.soon', { credits: format.number(soon.remaining), date: format.date(soon.expires_at) })}
          </Badge>
        </p>
      )}
      <ul className="billfold-inline">
        {facts.map((fact) => (
          <li key={fact}>{fact}</li>
        ))}
      </ul>
      {grants.length === 0 && !isInDebt && compare(available, 0) === 0 ? (
        <Empty>{text('credits.empty')}</Empty>
      ) : (
        grants.length > 0 && (
          <>
            <h3 className="billfold-subtitle">{text('credits.grants')}</h3>
            <Table
              label={text('credits.grants')}
              rows={grants}
              rowKey={({ id }) => id}
              columns={[
                {
                  key: 'credit',
                  title: text('credits.grant'),
                  cell: ({ reason, kind, granted_at }) => (
                    <span>
                      {reason.charAt(0).toUpperCase() + reason.slice(1)}
                      <span className="billfold-small billfold-muted">
                        {text(kind === 'paid' ? 'credits.paid' : 'credits.promotional')} <Moment at={granted_at} />
                      </span>
                    </span>
                  ),
                },
                {
                  key: 'expires',
                  title: text('credits.expires'),
                  cell: ({ expires_at }) => (expires_at === null ? text('credits.never') : <Moment at={expires_at} />),
                },
                {
                  key: 'remaining',
                  title: text('credits.remaining'),
                  isFigure: true,
                  cell: ({ remaining }) => <Quantity value={remaining} />,
                },
              ]}
            />
          </>
        )
      )}
    </>
  )
}
