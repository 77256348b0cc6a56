import { accountRows } from '../sql/account-rows.js'
import { apiKeyRows, changedApiKeyRows } from '../sql/api-key-rows.js'
import { rows, text } from '../sql/column.js'
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

export type Tables = ReturnType<typeof createTables>

/** Usage is most of what comes, and comes from few places. */
const alikeInEntries = [
  'operation',
  'counter_account',
  'recorded_at',
  'reason',
  'corrects',
  'meter',
  'service_tier',
  'price_version',
  'hold_id',
  'summed_by',
]

/** What many rows of one busy account, or of one kind of use, have in common. */
const perhapsAlikeInEntries = ['account_id', 'provider', 'dimensions', 'included', 'deliveries']

/** Whatever changes of an account changes its version. */
export const versioned = { mark: 'version' }
export const accountVersionRows = rows<{ readonly id: string }>('accounts', ['id'], { id: text() })

/** The store's tables in a schema. */
export function createTables(schema: string) {
  return {
    schema,
    accounts: table(schema, accountRows),
    accountStates: table(schema, accountStateRows, versioned),
    accountSums: table(schema, accountSumRows, versioned),
    accountVersions: table(schema, accountVersionRows, versioned),
    grants: table(schema, grantRows),
    grantsLeft: table(schema, grantsLeftRows),
    counters: table(schema, counterRows),
    counterSums: table(schema, counterSumRows, { generatedFrom: ['ends_at'] }),
    budgets: table(schema, budgetRows),
    budgetSums: table(schema, budgetSumRows),
    payments: table(schema, paymentRows),
    levels: table(schema, levelRows),
    seen: table(schema, seenRows),
    rollups: table(schema, rollupRows),
    holds: table(schema, holdRows),
    entries: table(schema, entryRows, { alike: alikeInEntries, perhapsAlike: perhapsAlikeInEntries }),
    deliveries: table(schema, deliveryRows),
    claimed: table(schema, claimedRows),
    newDeliveries: table(schema, newDeliveryRows),
    events: table(schema, eventRows),
    storedEvents: table(schema, storedEventRows),
    inbox: table(schema, inboxRows),
    intents: table(schema, intentRows),
    apiKeys: table(schema, apiKeyRows),
    changedApiKeys: table(schema, changedApiKeyRows),
  }
}
