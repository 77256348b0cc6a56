import type { CallOptions } from '../../core/ports/call-options.js'
import type { CatalogCapability, ProviderCatalog } from '../../core/ports/capabilities/catalog.js'
import type { PlanPrice } from '../../core/ports/capabilities/plan-price.js'
import { type CatalogStep, catalogBySteps } from '../door/catalog-steps.js'
import type { MeterNames } from '../door/meter-names.js'
import { toLagoAmount } from './amount.js'
import type { LagoCall } from './call.js'
import { createMetric, metricOf, metricsByCode, refuseOther } from './metrics.js'
import { planCode, planOfCode, usagePlanCode } from './plan-code.js'
import { isOnSale, type LagoPlan, type LagoPlans } from './plans.js'

/**
 * Billable metrics and plans of our catalog at Lago. A price that changes is another plan there, and whoever has subscribed keeps the
 * one before. That one is only marked: Lago has no archive, and ends all subscriptions of a plan that is deleted.
 *
 * @see https://docs.getlago.com/guide/plans/overview
 */
export function lagoCatalog(call: LagoCall, plans: LagoPlans, codeOf: MeterNames, currency: string): CatalogCapability {
  // Metrics first: charges name them.
  return catalogBySteps(async (catalog, options) => [
    ...(await metricSteps(call, catalog, codeOf, options)),
    ...(await usageSteps(call, catalog, plans, codeOf, currency, options)),
    ...(await planSteps(catalog, plans, options)),
  ])
}

async function metricSteps(
  call: LagoCall,
  { meters }: ProviderCatalog,
  codeOf: MeterNames,
  options: CallOptions,
): Promise<readonly CatalogStep[]> {
  const existing = await metricsByCode(call, options)
  return meters.flatMap(({ name, isShadow = false }): CatalogStep[] => {
    const code = codeOf(name, isShadow)
    const metric = existing.get(code)
    if (metric) refuseOther(metric)
    if (metric) return []
    const change = { action: 'create', object: 'meter', name, externalId: null, detail: `code ${code}` } as const
    return [
      {
        change,
        apply: async () => (await createMetric(call, isShadow ? `${name} (shadow)` : name, code, options)).lago_id,
      },
    ]
  })
}

/** The plan of whoever has none counts every meter; of shadows Lago keeps the events, and no plan names them. */
async function usageSteps(
  call: LagoCall,
  { meters }: ProviderCatalog,
  plans: LagoPlans,
  codeOf: MeterNames,
  currency: string,
  options: CallOptions,
): Promise<readonly CatalogStep[]> {
  const counting = meters.filter(({ isShadow }) => !isShadow)
  if (counting.length === 0) return []
  const code = usagePlanCode(currency)
  const plan = (await plans.byCode(options)).get(code)
  const counted = new Set(plan?.charges?.map(({ billable_metric_code: metric }) => metric))
  const missing = counting.map(({ name }) => codeOf(name)).filter((metric) => !counted.has(metric))
  if (missing.length === 0) return []
  const action = plan === undefined ? 'create' : 'update'
  const detail = `counts ${missing.join(', ')} of accounts without a plan, at no charge`
  const change = { action, object: 'product', name: code, externalId: plan?.lago_id ?? null, detail } as const
  const apply = async () => {
    const ids = await Promise.all(missing.map(async (metric) => (await metricOf(call, metric, options)).lago_id))
    return (await plans.ensureUsage(currency, ids, options)).lago_id
  }
  return [{ change, apply }]
}

async function planSteps(
  { prices, retires = false }: ProviderCatalog,
  plans: LagoPlans,
  options: CallOptions,
): Promise<readonly CatalogStep[]> {
  if (prices.length === 0 && !retires) return []
  const existing = await plans.byCode(options)
  const wanted = new Set(prices.map(planCode))
  const names = new Set(prices.map(({ plan }) => plan))
  const isGone = (plan: LagoPlan) => {
    const name = planOfCode(plan.code)
    return name !== undefined && !wanted.has(plan.code) && isOnSale(plan) && (retires || names.has(name))
  }
  return [
    ...prices.flatMap((price) => priceSteps(price, existing.get(planCode(price)), plans, options)),
    ...[...existing.values()].filter(isGone).map((plan): CatalogStep => {
      const given = { action: 'archive', object: 'price', name: planOfCode(plan.code) ?? plan.code } as const
      const change = { ...given, externalId: plan.lago_id, detail: `code ${plan.code}` }
      return { change, apply: async () => (await plans.putOnSale(plan.code, false, options)).lago_id }
    }),
  ]
}

function priceSteps(
  price: PlanPrice,
  plan: LagoPlan | undefined,
  plans: LagoPlans,
  options: CallOptions,
): readonly CatalogStep[] {
  const code = planCode(price)
  if (plan === undefined) {
    const { cents, currency } = toLagoAmount(price.amount)
    const detail = `${cents} minor units of ${currency} a ${price.interval}, code ${code}`
    const change = { action: 'create', object: 'price', name: price.plan, externalId: null, detail } as const
    return [{ change, apply: async () => (await plans.ensure(price, options)).lago_id }]
  }
  const steps: CatalogStep[] = []
  if (!isOnSale(plan)) {
    const again = { action: 'update', object: 'price', name: price.plan, externalId: plan.lago_id } as const
    const change = { ...again, detail: 'is sold again' }
    steps.push({ change, apply: async () => (await plans.putOnSale(code, true, options)).lago_id })
  }
  if (plan.name !== price.title) {
    const renamed = { action: 'update', object: 'product', name: price.title, externalId: plan.lago_id } as const
    const change = { ...renamed, detail: `was ${plan.name}` }
    steps.push({ change, apply: async () => (await plans.rename(code, price.title, options)).lago_id })
  }
  return steps
}
