// What sums up and checks for people is loaded when it is first asked for.
export { costTimeline, exportCosts, listCosts, summarizeCosts } from './costs.js'
export { listCustomers } from './customers.js'
export { usageLimits } from './limits.js'
export { lifetimePurchases } from './owned-for-life.js'
export { priceList } from './price-list.js'
export { quote } from './quote.js'
export { summarizeUsage, usageTimeline } from './usage-summary.js'
export { verifyLedger } from './verify-ledger.js'
