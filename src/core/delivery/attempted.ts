import type { BillingContext } from '../context.js'
import type { Attempted } from './settlement.js'

/** Makes an attempt that is measured and told of. */
export async function measured(
  { instrumentation, logger }: BillingContext,
  destination: string,
  count: number,
  attempt: () => Promise<readonly Attempted[]>,
): Promise<readonly Attempted[]> {
  const outcomes = await instrumentation.delivery(destination, count, attempt)
  const given = outcomes.filter(({ status }) => status === 'rejected' || status === 'uncertain').length
  const failed = outcomes.filter(({ status }) => status !== 'delivered').length - given
  const level = given > 0 ? 'warn' : failed > 0 ? 'info' : 'debug'
  logger?.[level]({ destination, delivered: count - failed - given, postponed: failed, parked: given }, 'delivery')
  return outcomes
}
