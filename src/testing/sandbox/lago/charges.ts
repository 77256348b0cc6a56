import * as z from 'zod'
import { type Decimal, decimal, divide, multiplyDecimal, tenTo } from '../../../core/domain/decimal.js'
import { billableMetrics } from './billable-metrics.js'
import { invalid } from './errors.js'
import { isoTime, type LagoWorld, newLagoId } from './world.js'

/** A price for what a metric counts. */
export interface Charge {
  readonly lago_id: string
  readonly lago_billable_metric_id: string
  readonly code: string
  readonly charge_model: 'standard' | 'package'
  readonly pay_in_advance: boolean
  readonly invoiceable: boolean
  readonly prorated: boolean
  readonly min_amount_cents: number
  readonly invoice_display_name: string | null
  readonly properties: ChargeProperties
  readonly created_at: string
}

export interface ChargeProperties {
  /** In units of the currency, decimal text. */
  readonly amount: string
  readonly free_units?: number | undefined
  readonly package_size?: number | undefined
}

const amount = z.string().regex(/^\d{1,30}(\.\d{1,30})?$/)

export const chargeShape = z.object({
  id: z.string().optional(),
  billable_metric_id: z.string().optional(),
  code: z.string().optional(),
  charge_model: z.enum(['standard', 'package']).default('standard'),
  pay_in_advance: z.boolean().default(false),
  invoiceable: z.boolean().default(true),
  prorated: z.boolean().default(false),
  min_amount_cents: z.int().nonnegative().default(0),
  invoice_display_name: z.string().nullish(),
  properties: z
    .object({
      amount,
      free_units: z.int().nonnegative().optional(),
      package_size: z.int().positive().optional(),
    })
    .prefault({ amount: '0' }),
})

/** The charge that was asked for: one that is there already keeps its id. */
export function toCharge(
  world: LagoWorld,
  given: z.output<typeof chargeShape>,
  before: readonly Charge[] = [],
): Charge {
  const known = before.find(({ lago_id: id }) => id === given.id)
  const metricId = given.billable_metric_id ?? known?.lago_billable_metric_id
  const metric = [...billableMetrics(world).values()].find(({ lago_id: id }) => id === metricId)
  if (metric === undefined) throw invalid({ billable_metric_ids: ['value_is_invalid'] })
  if (given.charge_model === 'package' && given.properties.package_size === undefined)
    throw invalid({ properties: ['invalid_package_size'] })
  const { id: _id, billable_metric_id: _metric, ...rest } = given
  return {
    ...rest,
    lago_id: known?.lago_id ?? newLagoId(),
    lago_billable_metric_id: metric.lago_id,
    code: given.code ?? known?.code ?? metric.code,
    invoice_display_name: given.invoice_display_name ?? null,
    created_at: known?.created_at ?? isoTime(world.now()),
  }
}

/** What units cost: exactly, in units of the currency. */
export function priceOf({ charge_model: model, properties }: Charge, units: Decimal): Decimal {
  const each = decimal(properties.amount)
  if (model === 'standard') return multiplyDecimal(units, each)
  const free = BigInt(properties.free_units ?? 0)
  const size = BigInt(properties.package_size ?? 1)
  const paid = units.coefficient - free * tenTo(units.scale)
  if (paid <= 0n) return decimal('0')
  const packages = divide(paid, size * tenTo(units.scale), 'ceiling')
  return multiplyDecimal({ coefficient: packages, scale: 0 }, each)
}

export function shownCharge(charge: Charge, metricCode: string) {
  return {
    ...charge,
    billable_metric_code: metricCode,
    regroup_paid_fees: null,
    filters: [],
    taxes: [],
    lago_parent_id: null,
  }
}
