import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import type { HoldResult } from '../../core/domain/ledger/outcome.js'
import type {
  AccountState,
  Counter,
  EntryUsage,
  Hold,
  LedgerEntry,
  LevelChange,
  Rollup,
  SeenValue,
} from '../../core/domain/ledger/state.js'
import type { Payment } from '../../core/domain/payment.js'
import {
  exact,
  group,
  integer,
  json,
  largeInteger,
  linesOf,
  named,
  nullable,
  number,
  rows,
  sparse,
  text,
  uuid,
  withLine,
} from './column.js'
import { entryAnswer } from './entry-answer.js'

const amounts = named(String, BigInt)

/** The part of an account that the ledger keeps. */
export const accountStateRows = rows<AccountState>('accounts', ['id'], {
  id: text(),
  balance: integer,
  held: integer,
  plan: text(),
  anchor: nullable(number),
  zone: text(),
  suspendedFor: nullable(text()),
  renewsAt: nullable(number),
  renewed: integer,
  paidPlan: nullable(exact<NonNullable<AccountState['paidPlan']>>()),
  collectors: sparse(json<AccountState['collectors']>(), []),
  currency: nullable(text()),
  terms: nullable(exact<NonNullable<AccountState['terms']>>()),
  autoTopUp: nullable(exact<NonNullable<AccountState['autoTopUp']>>()),
})

/** What most commands change of an account. */
export const accountSumRows = rows<Pick<AccountState, 'id' | 'balance' | 'held'>>('accounts', ['id'], {
  id: text(),
  balance: integer,
  held: integer,
})

export const grantRows = rows<CreditGrant>('credit_grants', ['accountId', 'id'], {
  accountId: text(),
  id: text(),
  kind: text(),
  origin: text(),
  amount: integer,
  remaining: integer,
  expired: integer,
  priority: number,
  expiresAt: nullable(number),
  grantedAt: number,
  reason: text(),
})

/** What changes of a grant. */
export const grantsLeftRows = rows<Pick<CreditGrant, 'accountId' | 'id' | 'remaining'>>(
  'credit_grants',
  ['accountId', 'id'],
  { accountId: text(), id: text(), remaining: integer },
)

export const counterRows = rows<Counter>('counters', ['accountId', 'meter', 'startsAt'], {
  accountId: text(),
  meter: text(),
  startsAt: number,
  endsAt: number,
  used: integer,
  held: integer,
  allowance: integer,
  heldAllowance: integer,
  rated: integer,
  overage: integer,
  carried: amounts,
  level: nullable(integer),
  asOf: nullable(number),
  area: nullable(largeInteger),
  wholeMs: nullable(number),
  status: text(),
  throttledAttempts: number,
  transitions: number,
})

/** What most commands change of a counter. */
export const counterSumRows = rows<
  Pick<
    Counter,
    | 'accountId'
    | 'meter'
    | 'startsAt'
    | 'used'
    | 'held'
    | 'allowance'
    | 'heldAllowance'
    | 'rated'
    | 'overage'
    | 'carried'
  >
>('counters', ['accountId', 'meter', 'startsAt'], {
  accountId: text(),
  meter: text(),
  startsAt: number,
  used: integer,
  held: integer,
  allowance: integer,
  heldAllowance: integer,
  rated: integer,
  overage: integer,
  carried: amounts,
})

export const budgetRows = rows<Budget>('budgets', ['accountId', 'scope'], {
  accountId: text(),
  scope: text(),
  limitSparks: nullable(integer),
  interval: text(),
  startsAt: number,
  endsAt: nullable(number),
  used: integer,
  held: integer,
  status: text(),
  transitions: number,
})

/** What most commands change of a budget. */
export const budgetSumRows = rows<Pick<Budget, 'accountId' | 'scope' | 'used' | 'held'>>(
  'budgets',
  ['accountId', 'scope'],
  { accountId: text(), scope: text(), used: integer, held: integer },
)

export const paymentRows = rows<Payment>('payments', ['accountId', 'id'], {
  accountId: text(),
  id: text(),
  grantId: nullable(text()),
  sparks: integer,
  paidNanos: integer,
  facts: exact(),
  reversed: integer,
})

export const levelRows = rows<LevelChange>('level_changes', ['accountId', 'meter', 'at'], {
  accountId: text(),
  meter: text(),
  at: number,
  value: integer,
})

export const seenRows = rows<SeenValue>('seen_values', ['accountId', 'meter', 'value', 'startsAt'], {
  accountId: text(),
  meter: text(),
  value: text(),
  startsAt: number,
})

export const rollupRows = rows<Rollup>(
  'rollups',
  ['accountId', 'dimension', 'day', 'meter', 'provider', 'model', 'value'],
  {
    accountId: text(),
    dimension: text(),
    day: text(),
    meter: text(),
    provider: text(),
    model: text(),
    value: text(),
    events: number,
    quantity: integer,
    sparks: integer,
    charged: integer,
    costPicos: integer,
  },
)

export const holdRows = rows<Hold>('holds', ['accountId', 'id'], {
  accountId: text(),
  id: text(),
  meter: nullable(text()),
  quantity: integer,
  sparks: integer,
  allowance: integer,
  rated: integer,
  dimensions: sparse(json<Hold['dimensions']>(), {}),
  budgets: sparse(json<readonly string[]>(), []),
  budgeted: integer,
  status: text(),
  captured: integer,
  periodStartsAt: nullable(number),
  createdAt: number,
  expiresAt: number,
  reason: text(),
  key: text(),
  dedupe: uuid,
  fingerprint: uuid,
  result: exact<HoldResult>(),
  release: group<NonNullable<Hold['release']>>(
    { dedupe: uuid, fingerprint: uuid, result: exact<HoldResult>() },
    'release',
  ),
})

/** Usage event and ledger row are one row: its usage columns are empty where the row is not for usage. */
export const entryRows = rows<LedgerEntry>('ledger_entries', ['id', 'accountId'], {
  id: text(),
  accountId: text(),
  operation: text(),
  key: text(),
  dedupe: uuid,
  fingerprint: uuid,
  counterAccount: text(),
  amount: integer,
  balanceAfter: integer,
  recordedAt: number,
  reason: text(),
  corrects: nullable(text()),
  usage: group<EntryUsage>({
    meter: text(),
    quantity: integer,
    measured: integer,
    sparks: integer,
    costUsd: nullable(text()),
    model: nullable(text()),
    provider: nullable(text()),
    serviceTier: nullable(text()),
    tokens: nullable(json<NonNullable<EntryUsage['tokens']>>()),
    dimensions: sparse(json<EntryUsage['dimensions']>(), {}),
    priceVersion: text(),
    occurredAt: number,
    settledBy: amounts,
    included: integer,
    holdId: nullable(text()),
    summedBy: sparse(json<EntryUsage['summedBy']>(), {}),
  }),
  burns: {
    type: 'text',
    write(burns) {
      let lines = ''
      for (const { grantId, amount } of burns) lines = withLine(lines, amount.toString(), grantId)
      return lines === '' ? null : lines
    },
    read: (value) => linesOf(value).map(([amount, grantId]) => ({ grantId, amount: BigInt(amount) })),
  },
  // A delivery's id is never empty.
  deliveries: named<string | null>(
    (id) => id ?? '',
    (id) => id || null,
  ),
  result: entryAnswer,
})
