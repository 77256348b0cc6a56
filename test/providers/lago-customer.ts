import type { PlanPrice } from '../../src/core/ports/capabilities/plan-price.js'
import { meterNames } from '../../src/providers/door/meter-names.js'
import { type LagoClient, lagoCall } from '../../src/providers/lago/call.js'
import { type LagoProvider, type LagoProviderOptions, lagoProvider } from '../../src/providers/lago/index.js'
import { lagoPlans } from '../../src/providers/lago/plans.js'
import { usageLine } from '../../src/providers/lago/usage-line.js'
import { lagoClient, type timedSandbox } from './sandboxed.js'

/** Those of Lago's cloud would make tests wait. */
const limits = { requestsPerSecond: 2_000, eventRequestsPerSecond: 2_000 }

/** A provider on the sandbox, and a way to sell a plan. */
export interface LagoAtSandbox {
  readonly lago: LagoProvider
  /** Puts a customer on a plan. The subscription's id. */
  begin(customerId: string, price: PlanPrice): Promise<string>
}

export function lagoAt(
  box: Awaited<ReturnType<typeof timedSandbox>>,
  client: LagoClient = lagoClient(box),
  options: Partial<LagoProviderOptions> = {},
): LagoAtSandbox {
  const call = lagoCall(client, limits)
  const line = usageLine(call, lagoPlans(call, meterNames({})), 'USD', box.now)
  return {
    lago: lagoProvider({ client, now: box.now, limits, ...options }),
    begin: async (customerId, price) => (await line.begin(customerId, price, {})).subscriptionId,
  }
}
