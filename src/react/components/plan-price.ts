import type { Plan } from '../../client/client.js'
import type { BillingContextValue } from '../billing-context.js'

/** What a plan costs, in words. */
export function planPrice(
  plan: Plan | undefined,
  { text, format }: Pick<BillingContextValue, 'text' | 'format'>,
): string {
  if (!plan) return ''
  const { price, is_default } = plan
  if (price === null) return text(is_default ? 'unit.free' : 'unit.custom')
  const amount = format.money(price.amount, price.currency)
  if (price.interval === 'once') return text('unit.once', { amount })
  return text(price.interval === 'year' ? 'unit.perYear' : 'unit.perMonth', { amount })
}
