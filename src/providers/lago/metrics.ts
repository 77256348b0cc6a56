import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { type LagoCall, parseAnswer, part } from './call.js'
import { isTaken } from './errors.js'
import { everyPage } from './every-page.js'

const metricSchema = z.object({
  lago_id: z.string().min(1),
  code: z.string(),
  aggregation_type: z.string(),
  field_name: z.string().nullish(),
  recurring: z.boolean(),
  expression: z.string().nullish(),
  rounding_function: z.string().nullish(),
})
const answerSchema = z.object({ billable_metric: metricSchema })

/** A billable metric at Lago. */
export type LagoMetric = z.output<typeof metricSchema>

/** The property of an event that holds its Sparks. */
export const sparksProperty = 'sparks'

/** All metrics, by code. */
export async function metricsByCode(call: LagoCall, options: CallOptions): Promise<ReadonlyMap<string, LagoMetric>> {
  const rows = await everyPage(
    'billable_metrics',
    metricSchema,
    ({ code }) => code,
    (page) => call.read(options, (client, request) => client.billableMetrics.findAllBillableMetrics(page, request)),
  )
  return new Map(rows.map((metric) => [metric.code, metric]))
}

/** @throws BillingError `not_found` */
export async function metricOf(call: LagoCall, code: string, options: CallOptions): Promise<LagoMetric> {
  const answer = await call.read(options, (client, request) =>
    client.billableMetrics.findBillableMetric(part(code), request),
  )
  return parseAnswer(answerSchema, answer).billable_metric
}

/** @see https://docs.getlago.com/api-reference/billable-metrics/create */
export async function createMetric(
  call: LagoCall,
  name: string,
  code: string,
  options: CallOptions,
): Promise<LagoMetric> {
  try {
    const answer = await call.write(options, (client, request) =>
      client.billableMetrics.createBillableMetric(
        {
          billable_metric: {
            name,
            code,
            aggregation_type: 'sum_agg',
            field_name: sparksProperty,
            recurring: false,
          },
        },
        request,
      ),
    )
    return parseAnswer(answerSchema, answer).billable_metric
  } catch (error) {
    // Someone else may have made it in the meantime, or we may have, and the answer was lost.
    if (!isTaken(error)) throw error
    const metric = await metricOf(call, code, options)
    refuseOther(metric)
    return metric
  }
}

/** @throws BillingError `config_invalid` for a metric that counts something else */
export function refuseOther(metric: LagoMetric): void {
  const fits =
    metric.aggregation_type === 'sum_agg' &&
    metric.field_name === sparksProperty &&
    !metric.recurring &&
    !metric.expression &&
    !metric.rounding_function
  if (fits) return
  throw new BillingError(
    'config_invalid',
    `Lago's billable metric ${metric.code} does not sum \`${sparksProperty}\` of each period as it is: use another code.`,
    { details: { metricId: metric.lago_id, code: metric.code } },
  )
}
