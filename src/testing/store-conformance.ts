import { accountCases } from './store-conformance/accounts.js'
import { aggregationCases } from './store-conformance/aggregations.js'
import { amountCases } from './store-conformance/amounts.js'
import { apiKeyCases } from './store-conformance/api-keys.js'
import { batchCases } from './store-conformance/batches.js'
import { budgetCases } from './store-conformance/budgets.js'
import { bundleCases } from './store-conformance/bundles.js'
import { collectorCases } from './store-conformance/collectors.js'
import { correctionCases } from './store-conformance/corrections.js'
import { counterCases } from './store-conformance/counters.js'
import { deliveryCases } from './store-conformance/deliveries.js'
import { entryCases } from './store-conformance/entries.js'
import { grantCases } from './store-conformance/grants.js'
import { holdCases } from './store-conformance/holds.js'
import { inboxCases } from './store-conformance/inbox.js'
import { intentCases } from './store-conformance/intents.js'
import { invariantCases } from './store-conformance/invariants.js'
import { keyCases } from './store-conformance/keys.js'
import { lifecycleCases } from './store-conformance/lifecycle.js'
import { newsCases } from './store-conformance/news.js'
import { outboxCases } from './store-conformance/outbox.js'
import { priceCases } from './store-conformance/prices.js'
import { pullCases } from './store-conformance/pulls.js'
import { readCases } from './store-conformance/reads.js'
import { recordCases } from './store-conformance/records.js'
import { renewalCases } from './store-conformance/renewals.js'
import { reportCases } from './store-conformance/reports.js'
import { rollupCases } from './store-conformance/rollups.js'
import { sharingCases } from './store-conformance/sharing.js'
import { lackOf, type StoreConformanceCase, type StoreConformanceSubject } from './store-conformance/subject.js'
import { verificationCases } from './store-conformance/verification.js'
import { inWorld } from './store-conformance/world.js'

/**
 * What every store promises. Cases share nothing and may run in any order, or at once; one that the subject cannot run says why
 * in `skip`.
 *
 * @example
 * const subject = { clock: 'given', open: async ({ now }) => memoryStore({ now }) }
 * for (const { name, skip, run } of storeConformance(subject)) it(name, { skip: skip !== undefined }, run)
 */
export function storeConformance(subject: StoreConformanceSubject): readonly StoreConformanceCase[] {
  const cases = [
    ...lifecycleCases,
    ...accountCases,
    ...batchCases,
    ...keyCases,
    ...entryCases,
    ...amountCases,
    ...grantCases,
    ...holdCases,
    ...renewalCases,
    ...correctionCases,
    ...budgetCases,
    ...aggregationCases,
    ...counterCases,
    ...rollupCases,
    ...readCases,
    ...deliveryCases,
    ...collectorCases,
    ...outboxCases,
    ...newsCases,
    ...bundleCases,
    ...reportCases,
    ...inboxCases,
    ...intentCases,
    ...priceCases,
    ...pullCases,
    ...recordCases,
    ...apiKeyCases,
    ...sharingCases,
    ...verificationCases,
    ...invariantCases,
  ]
  return cases.map(({ name, needs, run }) => {
    const skip = lackOf(subject, needs)
    return {
      name,
      ...(needs === undefined ? {} : { needs }),
      ...(skip === undefined ? {} : { skip }),
      run: () => inWorld(subject, run),
    }
  })
}
