import type { z } from '@hono/zod-openapi'
import { formatSparks, type PlanView, type PriceList } from '../../index.js'
import type { plan, priceList } from '../contract/plan.js'

export function priceListJson({ currency, spark, meters, plans }: PriceList): z.output<typeof priceList> {
  return {
    currency,
    credit_price: spark,
    meters: meters.map((meter) => ({ ...meter })),
    plans: plans.map((each) => planJson(each, currency)),
  }
}

function planJson(view: PlanView, currency: string): z.output<typeof plan> {
  const { name, title, price, meters, overage, byo, credits, features, isDefault } = view
  return {
    id: name,
    name: title,
    price: price && {
      amount: Number(price.amount),
      currency,
      interval: price.interval,
      per_seat: price.perSeat,
      trial_days: price.trialDays,
    },
    meters: meters.map((meter) => ({ ...meter })),
    overage,
    is_byo: byo,
    credits_per_period: formatSparks(credits),
    features: { ...features },
    is_default: isDefault,
  }
}
