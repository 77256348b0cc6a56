import { formatDecimal, parseDecimal } from '../../core/domain/decimal.js'
import type { PlanPrice } from '../../core/ports/capabilities/plan-price.js'
import { toLagoAmount } from './amount.js'

/**
 * The code of a plan at Lago. It follows from all that makes the price what it is, so that another price is another plan there, and
 * whoever has subscribed keeps theirs.
 *
 * @example 'billfold:pro:usd:2000:month:ai_tokens=4e-5'
 */
export function planCode({ plan, amount, interval, overage }: PlanPrice): string {
  const { currency, cents } = toLagoAmount(amount)
  return ['billfold', encode(plan), currency.toLowerCase(), cents, interval, ...chargeCodes(overage)].join(':')
}

/**
 * The plan of whoever has none: it costs nothing by itself, and is what usage is counted under. There is one for each currency, which
 * charges for nothing, and one for each set of prices of usage.
 */
export function usagePlanCode(currency: string, overage: PlanPrice['overage'] = []): string {
  return [`billfold_usage:${currency.toLowerCase()}`, ...chargeCodes(overage)].join(':')
}

function chargeCodes(overage: PlanPrice['overage']): readonly string[] {
  return overage.map(({ meter, sparkPrice }) => `${encode(meter)}=${withoutPoint(sparkPrice)}`).sort()
}

export function isUsagePlan(code: string): boolean {
  return code.startsWith('billfold_usage:')
}

/** Whether it charges for nothing at all. */
export function isIdlePlan(code: string): boolean {
  return isUsagePlan(code) && code.split(':').length === 2
}

/** Our plan behind a code of ours. */
export function planOfCode(code: string): string | undefined {
  const [prefix, plan] = code.split(':')
  return prefix === 'billfold' && plan !== undefined ? decodeURIComponent(plan) : undefined
}

/** Codes are parts of addresses, in which some routers take a point for the beginning of a format. */
function withoutPoint(price: string): string {
  const parsed = parseDecimal(price)
  return parsed === undefined || parsed.scale === 0
    ? parsed === undefined
      ? encode(price)
      : formatDecimal(parsed)
    : `${parsed.coefficient}e-${parsed.scale}`
}

function encode(name: string): string {
  return encodeURIComponent(name).replaceAll('.', '%2E')
}
