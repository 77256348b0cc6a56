import type { ReactNode } from 'react'
import type { UsageExplanation } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { compare } from '../decimal.js'
import { isMessage } from '../messages.js'
import { Moment } from '../primitives/figures.js'
import { Table } from '../primitives/table.js'
import { Change, Figure, Step, Steps } from './steps.js'

type Rating = NonNullable<UsageExplanation['rating']>

/** One use: counts × prices, margin, Sparks, rounding, who paid, out of which credits, and who was told. */
export function UsageSteps({ usage }: { readonly usage: UsageExplanation }): ReactNode {
  const { text, nameOf } = useBilling()
  const { meter, unit, model, occurred_at, reported_quantity, included, cost, rating, burns, deliveries } = usage
  return (
    <>
      <Steps title={meter === null ? text('explain.used') : nameOf(meter)}>
        <Step what={text('records.when')}>
          <Moment at={occurred_at} isExact />
        </Step>
        {model !== null && <Step what={text('explain.model')}>{model}</Step>}
        <Step what={text('explain.used')} note={unit}>
          <Figure value={reported_quantity} />
        </Step>
        {compare(included, 0) !== 0 && (
          <Step what={text('explain.included')}>
            <Figure value={included} />
          </Step>
        )}
      </Steps>
      {cost !== null && cost.pools.length > 0 && <Pools cost={cost} />}
      {rating && <RatingSteps rating={rating} currency={cost?.currency ?? 'USD'} />}
      <Steps title={text('explain.paid')}>
        {Object.entries(usage.settled_by).map(([name, sparks]) => (
          <Step key={name} what={payerOf(name)}>
            <Figure value={sparks} />
          </Step>
        ))}
        {burns.map(({ grant_id, kind, reason, sparks }) => (
          <Step
            key={grant_id}
            what={text(kind === 'paid' ? 'explain.burn.paid' : 'explain.burn.promotional')}
            note={reason}
          >
            <Figure value={sparks} />
          </Step>
        ))}
        <Step what={text('explain.balance')}>
          <Change from={usage.balance_before} to={usage.balance_after} />
        </Step>
      </Steps>
      {deliveries.length > 0 && (
        <Steps title={text('explain.told')}>
          {deliveries.map(({ provider, as, status }) => (
            <Step key={`${provider} ${as}`} what={nameOf(provider)}>
              {toldOf(status)}
            </Step>
          ))}
        </Steps>
      )}
    </>
  )

  function payerOf(name: string): string {
    const key = `explain.by.${name}`
    if (isMessage(key)) return text(key)
    return text('explain.by.meter', { provider: nameOf(name.replace('meter:', '')) })
  }

  function toldOf(status: string): string {
    const key = `explain.told.${status}`
    return isMessage(key) ? text(key) : status
  }
}

/** What the provider of the model asks for each kind of token. */
function Pools({ cost }: { readonly cost: NonNullable<UsageExplanation['cost']> }): ReactNode {
  const { text, format, nameOf } = useBilling()
  const money = (amount: string) => format.exactMoney(amount, cost.currency)
  return (
    <section className="billfold-steps">
      <h3 className="billfold-subtitle">{text('explain.pools')}</h3>
      <Table
        label={text('explain.pools')}
        rows={cost.pools}
        rowKey={({ pool }) => pool}
        columns={[
          { key: 'pool', title: text('explain.pool'), cell: ({ pool }) => nameOf(pool) },
          {
            key: 'count',
            title: text('explain.count'),
            isFigure: true,
            cell: ({ count }) => format.exactNumber(count),
          },
          {
            key: 'price',
            title: text('explain.unitPrice'),
            isFigure: true,
            cell: ({ price, per }) =>
              per === '1' ? money(price) : text('explain.per', { price: money(price), per: format.exactNumber(per) }),
          },
          { key: 'cost', title: text('explain.cost'), isFigure: true, cell: ({ cost: each }) => money(each) },
        ]}
      />
    </section>
  )
}

function RatingSteps({ rating, currency }: { readonly rating: Rating; readonly currency: string }): ReactNode {
  const { text, format } = useBilling()
  const { by_cost: byCost, by_units: byUnits, discount, minimum, period, unrounded, sparks } = rating
  const exact = (value: string) => format.exactNumber(value)
  return (
    <Steps title={text('explain.rated')}>
      {byCost && (
        <>
          <Step what={text('explain.cost')}>{format.exactMoney(byCost.cost, currency)}</Step>
          <Step what={text('explain.margin', { margin: exact(byCost.margin) })} />
          <Step what={text('explain.sparkPrice', { price: format.exactMoney(byCost.spark_price, currency) })} />
          <Step what={text('explain.byCost')}>
            <Figure value={byCost.sparks} />
          </Step>
        </>
      )}
      {byUnits && (
        <Step
          what={
            byUnits.rate === null
              ? text('explain.byUnitsFlat', { units: exact(byUnits.units) })
              : text('explain.byUnits', {
                  units: exact(byUnits.units),
                  rate: exact(byUnits.rate),
                  per: exact(byUnits.per ?? '1'),
                })
          }
        >
          <Figure value={byUnits.sparks} />
        </Step>
      )}
      {discount?.applied && (
        <Step what={text('explain.discount', { percent: exact(discount.percent), above: exact(discount.above) })} />
      )}
      {minimum?.applied && (
        <Step what={text('explain.minimum')}>
          <Figure value={minimum.sparks} />
        </Step>
      )}
      {period && (
        <Step what={text('explain.period', { before: exact(period.units_before), after: exact(period.units_after) })}>
          <Change from={period.price_before} to={period.price_after} />
        </Step>
      )}
      {byCost && byUnits && (
        <Step what={text('explain.larger')}>
          <Figure value={unrounded} />
        </Step>
      )}
      {unrounded !== sparks && <Step what={text('explain.rounded')} />}
      <Step what={text('explain.sparks')} note={rating.from === 'terms' ? text('explain.terms') : undefined} isResult>
        <Figure value={sparks} />
      </Step>
    </Steps>
  )
}
