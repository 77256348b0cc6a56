import type { Budget } from '../../core/domain/budget.js'
import type { CreditGrant } from '../../core/domain/credit-grant.js'
import type { HoldResult, StoredResult } from '../../core/domain/ledger/outcome.js'
import type {
  AccountState,
  Carry,
  Counter,
  Hold,
  LedgerEntry,
  LevelChange,
  Rollup,
  SeenValue,
} from '../../core/domain/ledger/state.js'
import type { Payment } from '../../core/domain/payment.js'
import { amounts, bytes, exact, integer, json, largeInteger, nullable, number, result, rows, text } from './column.js'

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
  currency: nullable(text()),
  terms: nullable(exact<NonNullable<AccountState['terms']>>()),
  autoTopUp: nullable(exact<NonNullable<AccountState['autoTopUp']>>()),
})

export const grantRows = rows<CreditGrant>('credit_grants', ['accountId', 'id'], {
  accountId: text(),
  id: text(),
  kind: text(),
  origin: text(),
  amount: integer,
  remaining: integer,
  priority: number,
  expiresAt: nullable(number),
  grantedAt: number,
  reason: text(),
})

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
  level: nullable(integer),
  asOf: nullable(number),
  area: nullable(largeInteger),
  status: text(),
  throttledAttempts: number,
  transitions: number,
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

export const carryRows = rows<Carry>('carries', ['accountId', 'meter', 'startsAt', 'destination'], {
  accountId: text(),
  meter: text(),
  startsAt: number,
  destination: text(),
  remainder: integer,
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

export type FlatHold = Omit<Hold, 'release'> & {
  readonly releaseDedupe: string | null
  readonly releaseFingerprint: string | null
  readonly releaseResult: HoldResult | null
}

export const holdRows = rows<FlatHold>('holds', ['accountId', 'id'], {
  accountId: text(),
  id: text(),
  meter: nullable(text()),
  quantity: integer,
  sparks: integer,
  allowance: integer,
  rated: integer,
  dimensions: json(),
  budgets: json<readonly string[]>(),
  budgeted: integer,
  status: text(),
  captured: integer,
  periodStartsAt: nullable(number),
  createdAt: number,
  expiresAt: number,
  reason: text(),
  key: text(),
  dedupe: bytes,
  fingerprint: bytes,
  result: result<HoldResult>(),
  releaseDedupe: nullable(bytes),
  releaseFingerprint: nullable(bytes),
  releaseResult: nullable(result<HoldResult>()),
})

export function flattenHold({ release, ...hold }: Hold): FlatHold {
  return {
    ...hold,
    releaseDedupe: release?.dedupe ?? null,
    releaseFingerprint: release?.fingerprint ?? null,
    releaseResult: release?.result ?? null,
  }
}

export function unflattenHold(row: FlatHold): Hold {
  const { releaseDedupe, releaseFingerprint, releaseResult, ...hold } = row
  if (releaseDedupe === null || releaseFingerprint === null || releaseResult === null) return { ...hold, release: null }
  return { ...hold, release: { dedupe: releaseDedupe, fingerprint: releaseFingerprint, result: releaseResult } }
}

type Usage = NonNullable<LedgerEntry['usage']>

/** Usage event and ledger row are one row: its usage columns are empty where the row is not for usage. */
export type FlatEntry = Omit<LedgerEntry, 'usage'> & { readonly [Field in keyof Usage]: Usage[Field] | null }

export const entryRows = rows<FlatEntry>('ledger_entries', ['id', 'accountId'], {
  id: text(),
  accountId: text(),
  operation: text(),
  key: text(),
  dedupe: bytes,
  fingerprint: bytes,
  counterAccount: text(),
  amount: integer,
  balanceAfter: integer,
  recordedAt: number,
  reason: text(),
  corrects: nullable(text()),
  meter: nullable(text()),
  quantity: nullable(integer),
  measured: nullable(integer),
  sparks: nullable(integer),
  costUsd: nullable(text()),
  model: nullable(text()),
  provider: nullable(text()),
  serviceTier: nullable(text()),
  tokens: nullable(json<NonNullable<Usage['tokens']>>()),
  dimensions: nullable(json<Usage['dimensions']>()),
  priceVersion: nullable(text()),
  occurredAt: nullable(number),
  settledBy: nullable(amounts),
  included: nullable(integer),
  holdId: nullable(text()),
  burns: {
    type: 'text',
    write: (burns) => JSON.stringify(burns.map(({ grantId, amount }) => ({ grantId, amount: String(amount) }))),
    read: (value) =>
      (JSON.parse(value as string) as { grantId: string; amount: string }[]).map(({ grantId, amount }) => ({
        grantId,
        amount: BigInt(amount),
      })),
  },
  deliveries: json(),
  result: result<StoredResult>(),
})

const noUsage: { readonly [Field in keyof Usage]: null } = {
  meter: null,
  quantity: null,
  measured: null,
  sparks: null,
  costUsd: null,
  model: null,
  provider: null,
  serviceTier: null,
  tokens: null,
  dimensions: null,
  priceVersion: null,
  occurredAt: null,
  settledBy: null,
  included: null,
  holdId: null,
}

export function flattenEntry({ usage, ...entry }: LedgerEntry): FlatEntry {
  return { ...entry, ...(usage ?? noUsage) }
}

export function unflattenEntry(row: FlatEntry): LedgerEntry {
  const {
    meter,
    quantity,
    measured,
    sparks,
    costUsd,
    model,
    provider,
    serviceTier,
    tokens,
    dimensions,
    priceVersion,
    occurredAt,
    settledBy,
    included,
    holdId,
    ...entry
  } = row
  const usage = {
    meter,
    quantity,
    measured,
    sparks,
    costUsd,
    model,
    provider,
    serviceTier,
    tokens,
    dimensions,
    priceVersion,
    occurredAt,
    settledBy,
    included,
    holdId,
  }
  return { ...entry, usage: meter === null ? null : (usage as Usage) }
}
