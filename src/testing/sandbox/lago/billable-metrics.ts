import * as z from 'zod'
import { invalid, notFound } from './errors.js'
import { noBody, paged, route, wrapped } from './route.js'
import { isoTime, type LagoWorld, newLagoId, tableOf } from './world.js'

/** What is counted of events with its code. */
export interface BillableMetric {
  readonly lago_id: string
  readonly name: string
  readonly code: string
  readonly description: string | null
  readonly recurring: boolean
  readonly aggregation_type: Aggregation
  /** The property that is summed; nothing for a count. */
  readonly field_name: string | null
  readonly created_at: string
}

/** The aggregations that the twin works out. */
export type Aggregation = (typeof aggregations)[number]

const aggregations = ['count_agg', 'sum_agg', 'max_agg', 'unique_count_agg', 'latest_agg'] as const

/** By code. */
export const billableMetrics = tableOf<BillableMetric>('billable_metrics')

const metricShape = z.object({
  name: z.string().min(1),
  code: z.string().min(1),
  description: z.string().nullish(),
  recurring: z.boolean().optional(),
  aggregation_type: z.enum(aggregations),
  field_name: z.string().nullish(),
})

export const billableMetricRoutes = [
  route('POST /billable_metrics', wrapped('billable_metric', metricShape), ({ world, body }) => {
    const given = body.billable_metric
    if (billableMetrics(world).has(given.code)) throw invalid({ code: ['value_already_exist'] })
    if (given.aggregation_type !== 'count_agg' && !given.field_name)
      throw invalid({ field_name: ['value_is_mandatory'] })
    const metric: BillableMetric = {
      lago_id: newLagoId(),
      name: given.name,
      code: given.code,
      description: given.description ?? null,
      recurring: given.recurring ?? false,
      aggregation_type: given.aggregation_type,
      field_name: given.field_name ?? null,
      created_at: isoTime(world.now()),
    }
    billableMetrics(world).put(metric.code, metric)
    return { billable_metric: shownMetric(metric) }
  }),
  route('GET /billable_metrics', noBody, ({ world, query }) =>
    paged('billable_metrics', [...billableMetrics(world).values()].reverse().map(shownMetric), query),
  ),
  route('GET /billable_metrics/:code', noBody, ({ world, path }) => ({
    billable_metric: shownMetric(metricOf(world, path.code ?? '')),
  })),
  route('PUT /billable_metrics/:code', wrapped('billable_metric', metricShape.partial()), ({ world, path, body }) => {
    const before = metricOf(world, path.code ?? '')
    const { name, description } = body.billable_metric
    const after = { ...before, ...(name === undefined ? {} : { name }), description: description ?? before.description }
    billableMetrics(world).put(after.code, after)
    return { billable_metric: shownMetric(after) }
  }),
]

function metricOf(world: LagoWorld, code: string): BillableMetric {
  const found = billableMetrics(world).get(code)
  if (found === undefined) throw notFound('billable_metric')
  return found
}

function shownMetric(metric: BillableMetric) {
  return { ...metric, rounding_function: null, rounding_precision: null, weighted_interval: null, filters: [] }
}
