export { type GenaiPricesOptions, genaiPrices } from './genai-prices.js'
export { type ReadUsage, type ReadUsageOptions, readUsage } from './read-usage.js'
