// What sums usage up for people is loaded when it is first asked for.
export { costTimeline, exportCosts, listCosts, summarizeCosts } from './costs.js'
export { summarizeUsage, usageTimeline } from './usage-summary.js'
