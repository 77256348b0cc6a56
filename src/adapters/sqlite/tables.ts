import { accountRows } from '../sql/account-rows.js'
import { apiKeyRows, changedApiKeyRows } from '../sql/api-key-rows.js'
import {
  claimedRows,
  deliveryRows,
  eventRows,
  inboxRows,
  intentRows,
  newDeliveryRows,
  storedEventRows,
} from '../sql/delivery-rows.js'
import {
  accountStateRows,
  accountSumRows,
  budgetRows,
  budgetSumRows,
  counterRows,
  counterSumRows,
  entryRows,
  grantRows,
  grantsLeftRows,
  holdRows,
  levelRows,
  paymentRows,
  rollupRows,
  seenRows,
} from '../sql/ledger-rows.js'
import { table } from './table.js'

export const accounts = table(accountRows)
export const accountStates = table(accountStateRows)
export const accountSums = table(accountSumRows)
// Its indexes are on `is_open` and not on what is left, which every debit changes.
export const grants = table({
  ...grantRows,
  fields: [...grantRows.fields, { name: 'is_open', type: 'integer', get: ({ remaining }) => (remaining > 0n ? 1 : 0) }],
})
export const grantsLeft = table(grantsLeftRows)
export const counters = table(counterRows)
export const counterSums = table(counterSumRows)
export const budgets = table(budgetRows)
export const budgetSums = table(budgetSumRows)
export const payments = table(paymentRows)
export const levels = table(levelRows)
export const seen = table(seenRows)
export const rollups = table(rollupRows)
export const holds = table(holdRows)
export const entries = table(entryRows)
export const deliveries = table(deliveryRows)
export const claimed = table(claimedRows)
export const newDeliveries = table(newDeliveryRows)
export const events = table(eventRows)
export const storedEvents = table(storedEventRows)
export const inbox = table(inboxRows)
export const intents = table(intentRows)
export const apiKeys = table(apiKeyRows)
export const changedApiKeys = table(changedApiKeyRows)
