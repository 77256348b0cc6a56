import { decimal } from '../decimal.js'
import { dearestPrice, priceOfTotal } from '../rating/price-of-total.js'
import { isPeriodRated, type Rate } from '../rating/rate.js'
import { rateUsage } from '../rating/rate-usage.js'
import { type MicroSparks, type MicroUnits, microPerUnit } from '../sparks.js'
import type { RatedUsage } from './command.js'
import { type Draft, hasSeen } from './draft.js'
import { entitlementOf, includedUnits } from './entitlement.js'
import type { AccountState, Counter, LedgerRules, LoadKey } from './state.js'

/** What must be loaded beside the counter before usage can be measured, if there is something. */
export function measureNeeds(
  accountId: string,
  { meter: name, dimensions }: Pick<RatedUsage, 'meter' | 'dimensions'>,
  at: number | null,
  { catalog }: LedgerRules,
): LoadKey | null {
  const meter = catalog.meters.get(name)
  switch (meter?.aggregation) {
    case 'unique':
      return { kind: 'seen', accountId, meter: name, value: dimensions[meter.countedBy ?? ''] ?? '' }
    case 'time_weighted':
      return { kind: 'level', accountId, meter: name, at }
    default:
      return null
  }
}

/** What usage adds to its period, and what that costs. */
export interface Measured {
  readonly quantity: MicroUnits
  readonly sparks: MicroSparks
  /** Whether the Sparks are of the units only that the plan does not give. */
  readonly isNet: boolean
  /** How many units the plan gives less than before, when there are less; negative. */
  readonly included?: MicroUnits
}

/** What was reported: of usage, of a request, or of a hold. */
export type Reported = Pick<RatedUsage, 'quantity' | 'sparks' | 'costUsd' | 'dimensions'>

/**
 * What reported usage adds to a counter by the meter's aggregation, rated by what holds for the account. What depends on the whole
 * period, the price of its total and the largest of its values, can only be said here, under the account's lock.
 */
export function measure(
  draft: Draft,
  account: AccountState,
  counter: Counter,
  reported: Reported,
  at: number,
): Measured {
  const meter = draft.rules.catalog.meters.get(counter.meter)
  const { quantity } = reported
  switch (meter?.aggregation) {
    case undefined:
    case 'sum':
    case 'count':
      return priced(draft, account, counter, quantity, reported, false)
    case 'max':
      return priced(draft, account, counter, quantity > counter.used ? quantity - counter.used : 0n, reported, true)
    case 'unique': {
      const value = reported.dimensions[meter.countedBy ?? ''] ?? ''
      const { accountId, startsAt } = counter
      const isKnown = hasSeen(draft, { accountId, meter: meter.name, startsAt, value })
      return priced(draft, account, counter, isKnown ? 0n : microPerUnit, reported, true)
    }
    case 'level':
      // A level that was set for an earlier moment than the last one changes nothing now.
      return levelled(counter, at < (counter.asOf ?? at) ? 0n : quantity - counter.used)
    case 'time_weighted':
      return { quantity: 0n, sparks: 0n, isNet: false }
  }
}

/**
 * What units cost an account when they are added to a counter; `isOwn`: they are not what was rated before. A price that depends on the
 * period is the difference its total makes: over the period that adds up to the price of the total, rounded once.
 */
export function priced(
  draft: Draft,
  account: AccountState,
  counter: Counter,
  quantity: MicroUnits,
  reported: Pick<Reported, 'sparks' | 'costUsd'>,
  isOwn: boolean,
): Measured {
  const { catalog } = draft.rules
  const agreed = agreedRate(account, counter.meter)
  const rate = agreed ?? catalog.meters.get(counter.meter)?.rate
  if (!rate) return { quantity, sparks: 0n, isNet: false }
  if (isPeriodRated(rate) || isOwn) {
    const isLess = quantity < 0n
    const given = () => includedUnits(counter, entitlementOf(catalog, account, counter.meter), quantity)
    // Of work with keys of its own the plan gives nothing: all of it is paid for elsewhere.
    const isByo = catalog.plans.get(account.plan)?.byo ?? false
    const included = isLess ? takenBack(counter, quantity) : isByo ? 0n : given()
    const before = counter.used - counter.allowance
    const sparks = totalPrice(draft, rate, before + quantity - included) - totalPrice(draft, rate, before)
    return isLess ? { quantity, sparks, isNet: true, included } : { quantity, sparks, isNet: true }
  }
  if (!agreed) return { quantity, sparks: reported.sparks, isNet: false }
  const costUsd = reported.costUsd === null ? undefined : decimal(reported.costUsd)
  return { quantity, sparks: rateUsage({ quantity, costUsd }, rate, catalog.spark), isNet: false }
}

function levelled(counter: Counter, quantity: MicroUnits): Measured {
  const measured = { quantity, sparks: 0n, isNet: false }
  return quantity < 0n ? { ...measured, included: takenBack(counter, quantity) } : measured
}

/** When less is used than before, the plan gives no more than that: how many of its units come back, as a negative number. */
function takenBack({ used, allowance }: Counter, quantity: MicroUnits): MicroUnits {
  const left = used + quantity
  return left < allowance ? left - allowance : 0n
}

/**
 * What a hold or a question may cost beside what is used and reserved already. Where the price depends on the period's total, that is the
 * most it can come to, whatever of the other holds is used and given back: a hold that was covered must not become debt by that.
 */
export function pricedBeyond(
  draft: Draft,
  account: AccountState,
  counter: Counter,
  reported: Reported,
  at: number,
): Measured {
  const rate = rateOf(draft, account, counter.meter)
  const measured = measure(draft, account, counter, reported, at)
  if (!rate || !isPeriodRated(rate)) return measured.sparks < 0n ? { ...measured, sparks: 0n } : measured
  const { catalog } = draft.rules
  const { used, held, allowance, heldAllowance } = counter
  const isByo = catalog.plans.get(account.plan)?.byo ?? false
  const given = isByo ? 0n : includedUnits(counter, entitlementOf(catalog, account, counter.meter), measured.quantity)
  const from = used - allowance
  return { ...measured, sparks: dearestPrice(rate, from, from + held - heldAllowance, measured.quantity - given) }
}

/** What usage of a meter costs an account: what was agreed with it, or what the catalog says. */
function rateOf(draft: Draft, account: AccountState, meter: string): Rate | null | undefined {
  return agreedRate(account, meter) ?? draft.rules.catalog.meters.get(meter)?.rate
}

/** What so many units of a period cost that the plan does not give. */
function totalPrice(draft: Draft, rate: Rate, units: MicroUnits): MicroSparks {
  if (isPeriodRated(rate)) return priceOfTotal(rate, units)
  return rateUsage({ quantity: units, costUsd: undefined }, rate, draft.rules.catalog.spark)
}

function agreedRate({ terms }: AccountState, meter: string): Rate | undefined {
  return terms?.rates && Object.hasOwn(terms.rates, meter) ? terms.rates[meter] : undefined
}
