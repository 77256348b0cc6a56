import { accountRows } from '../sql/account-rows.js'
import { deliveryRows, eventRows, inboxRows, intentRows, newDeliveryRows } from '../sql/delivery-rows.js'
import {
  accountStateRows,
  budgetRows,
  carryRows,
  counterRows,
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
export const grants = table(grantRows)
export const grantsLeft = table(grantsLeftRows)
export const counters = table(counterRows)
export const budgets = table(budgetRows)
export const payments = table(paymentRows)
export const levels = table(levelRows)
export const seen = table(seenRows)
export const carries = table(carryRows)
export const rollups = table(rollupRows)
export const holds = table(holdRows)
export const entries = table(entryRows)
export const deliveries = table(deliveryRows)
export const newDeliveries = table(newDeliveryRows)
export const events = table(eventRows)
export const inbox = table(inboxRows)
export const intents = table(intentRows)
