import { periodAt, sameInterval } from './billing-cycle.js'
import { invalidRequest, noSuch } from './errors.js'
import { type Price, planOf, prices } from './prices.js'
import { isMetered, newItem, type Subscription, type SubscriptionItem } from './subscription-object.js'
import { type StripeWorld, seconds } from './world.js'

export interface ItemChange {
  /** The item to change; without it one is added. */
  readonly id?: string | undefined
  readonly price?: string | undefined
  readonly quantity?: number | undefined
  readonly deleted?: boolean | undefined
  readonly clear_usage?: boolean | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

const maximumItems = 20

/** The items as they are after the changes. */
export function changeItems(
  world: StripeWorld,
  subscription: Subscription,
  changes: readonly ItemChange[],
): readonly SubscriptionItem[] {
  let items = subscription.items.data
  for (const [index, change] of changes.entries()) {
    const at = (name: string) => `items[${index}][${name}]`
    if (change.id === undefined) {
      items = [...items, addItem(world, subscription, items, change, at)]
      continue
    }
    const item = items.find(({ id }) => id === change.id)
    if (item === undefined) throw noSuch('subscription_item', change.id, at('id'))
    items = items.flatMap((each) => (each === item ? changeItem(world, item, change, at) : [each]))
  }
  if (items.length === 0) throw invalidRequest('A subscription must have at least one active plan.', { param: 'items' })
  return items
}

export function requireRecurringPrice(world: StripeWorld, id: string, param: string, currency?: string): Price {
  const price = prices(world).get(id)
  if (price === undefined) throw noSuch('price', id, param)
  if (price.recurring === null) {
    throw invalidRequest(
      'The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.',
      { param },
    )
  }
  if (!price.active)
    throw invalidRequest('The price specified is inactive. This field only accepts active prices.', { param })
  if (currency !== undefined && price.currency !== currency) {
    throw invalidRequest(
      `The price specified only supports \`${price.currency}\`. This doesn't match the expected currency: \`${currency}\`.`,
      { param },
    )
  }
  return price
}

export function checkItems(items: readonly { readonly price: Price }[]): void {
  if (items.length > maximumItems) {
    throw invalidRequest(`A subscription can have at most ${maximumItems} items.`, { param: 'items' })
  }
  const ids = items.map(({ price }) => price.id)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice === undefined) return
  throw invalidRequest(`Cannot add multiple subscription items with the same plan: ${twice}`, { param: 'items' })
}

/** Usage is counted, so a metered item takes no quantity. */
export function checkQuantity(price: Price, quantity: number | undefined, param: string): void {
  if (quantity === undefined || !isMetered(price)) return
  throw invalidRequest(
    `Quantity should not be specified where usage_type is \`metered\`. Remove quantity from \`${param}\``,
    {
      param,
    },
  )
}

function addItem(
  world: StripeWorld,
  subscription: Subscription,
  items: readonly SubscriptionItem[],
  change: ItemChange,
  at: (name: string) => string,
): SubscriptionItem {
  if (change.price === undefined) {
    throw invalidRequest(`Missing required param: ${at('price')}.`, { code: 'parameter_missing', param: at('price') })
  }
  const price = requireRecurringPrice(world, change.price, at('price'), subscription.currency)
  checkQuantity(price, change.quantity, at('quantity'))
  checkItems([...items, { price }])
  const now = seconds(world)
  // An item joins the cycle of the others: its first period is what is left of theirs.
  const like = items.find((each) => sameInterval(each.price, price)) ?? items[0]
  const period =
    subscription.status === 'trialing' && like !== undefined
      ? { current_period_start: now, current_period_end: like.current_period_end }
      : periodAt(subscription.billing_cycle_anchor, price, now)
  return newItem(
    world,
    subscription.id,
    { price, quantity: change.quantity ?? 1, metadata: change.metadata ?? {} },
    period,
  )
}

function changeItem(
  world: StripeWorld,
  item: SubscriptionItem,
  change: ItemChange,
  at: (name: string) => string,
): readonly SubscriptionItem[] {
  if (change.deleted) return []
  const price =
    change.price === undefined || change.price === item.price.id
      ? item.price
      : requireRecurringPrice(world, change.price, at('price'), item.price.currency)
  checkQuantity(price, change.quantity, at('quantity'))
  const { quantity: _, ...rest } = item
  const quantity = change.quantity ?? item.quantity ?? 1
  const metadata = change.metadata ?? item.metadata
  return [{ ...rest, metadata, price, plan: planOf(price), ...(isMetered(price) ? {} : { quantity }) }]
}
