import * as z from 'zod'
import type { BillingContext } from '../context.js'
import type { GrantKind, GrantOrigin } from '../domain/credit-grant.js'
import type { BillingEventType } from '../domain/event.js'
import type { HoldStatus } from '../domain/ledger/outcome.js'
import type { CounterAccount, EntryOperation, LedgerEntry } from '../domain/ledger/state.js'
import { formatQuantity, formatSparks, microPerUnit } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import type { CheckoutIntent, DeliveryStatus, EntryPage } from '../ports/store.js'
import { burnProblems, type ExplainedUsage, explainUsage, isUsage } from './explain-usage.js'
import {
  carriedBy,
  causeOf,
  type ExplainedBalance,
  type ExplainedBurn,
  type ExplainedDelivery,
  type ExplainedPayment,
  explainBalance,
  explainBurns,
  explainDelivery,
  explainPayment,
  type GrantCause,
  moment,
  optionalMoment,
} from './explained-parts.js'
import { accountId, parse } from './fields.js'
import { requireAccount } from './steps.js'

/** What to explain: anything of the account that has an id. */
export interface ExplainInput {
  readonly accountId: string
  /** Of usage (`use_…`), a ledger row (`ent_…`), a grant (`grt_…`), a hold (`hld_…`), a delivery (`dlv_…`), a billing event (`evt_…`), a checkout (`chk_…`). */
  readonly id: string
}

/** One row among others: what it took or gave, in Sparks. */
export interface ExplainedMove {
  readonly id: string
  readonly operation: EntryOperation
  readonly sparks: string
  readonly reason: string
  readonly recordedAt: string
}

/** A ledger row that is not usage. Sparks are decimal text, moments RFC 3339. */
export interface ExplainedEntry {
  readonly kind: 'entry'
  readonly id: string
  readonly accountId: string
  readonly operation: EntryOperation
  /** The key it was asked for with, or made by. */
  readonly key: string
  readonly reason: string
  readonly counterAccount: CounterAccount
  /** What it added to the balance. */
  readonly amount: string
  readonly balance: ExplainedBalance
  /** What it took from grants; negative for what it put there. */
  readonly burns: readonly ExplainedBurn[]
  /** The row it corrects or reverses, and those that correct it. */
  readonly corrects: ExplainedMove | null
  readonly correctedBy: readonly ExplainedMove[]
  /** Of a refund, or of credits that were bought. */
  readonly payment: ExplainedPayment | null
  readonly recordedAt: string
  readonly agrees: boolean
  readonly problems: readonly string[]
}

/** Credits that were given: where they came from, and where they went. */
export interface ExplainedGrant {
  readonly kind: 'grant'
  readonly id: string
  readonly accountId: string
  readonly grantKind: GrantKind
  readonly origin: GrantOrigin
  readonly amount: string
  readonly remaining: string
  readonly priority: number
  readonly reason: string
  readonly grantedAt: string
  readonly expiresAt: string | null
  readonly cause: GrantCause
  /** The rows that took from it or gave back, newest first, at most 100; and what all there are come to. */
  readonly burnedBy: readonly ExplainedMove[]
  readonly burned: { readonly rows: number; readonly sparks: string }
  /** Whether what is left of it is what its rows leave. */
  readonly agrees: boolean
  readonly problems: readonly string[]
}

/** What was reserved, and what became of it. */
export interface ExplainedHold {
  readonly kind: 'hold'
  readonly id: string
  readonly accountId: string
  readonly status: HoldStatus
  readonly meter: string | null
  readonly reason: string
  readonly key: string
  readonly quantity: string
  /** What is still reserved of the balance, or was when it ended. */
  readonly sparks: string
  /** What the usage it was taken for costs, whoever pays. */
  readonly rated: string
  readonly captured: string
  readonly createdAt: string
  readonly expiresAt: string
  /** The usage that was taken out of it, newest first, at most 100. */
  readonly settledBy: readonly ExplainedMove[]
  /** Whether it captured what those rows took. */
  readonly agrees: boolean
  readonly problems: readonly string[]
}

/** What somebody was told, or is to be told. */
export interface ExplainedNotice {
  readonly kind: 'delivery'
  readonly id: string
  readonly accountId: string
  readonly destination: string
  readonly status: DeliveryStatus
  readonly attempts: number
  readonly createdAt: string
  readonly error: string | null
  /** Of a delivery to a provider. */
  readonly usage: ExplainedDelivery | null
  /** The rows it is for, at most 100. */
  readonly entries: readonly ExplainedMove[]
  /** Of a delivery to a consumer. */
  readonly event: ExplainedEvent | null
  /** Whether its whole Sparks are those of its rows, but for less than one that is carried. */
  readonly agrees: boolean
  readonly problems: readonly string[]
}

/** Something that happened, and what caused it as far as its facts tell. */
export interface ExplainedEvent {
  readonly kind: 'event'
  readonly id: string
  readonly accountId: string
  readonly type: BillingEventType
  readonly occurredAt: string
  readonly data: Readonly<Record<string, string | number | null>>
  /** Ids of what it is about, each of which can be explained in turn. */
  readonly causes: readonly string[]
}

/** A sale. */
export interface ExplainedCheckout {
  readonly kind: 'checkout'
  readonly id: string
  readonly accountId: string
  readonly sells: CheckoutIntent['kind']
  readonly sparks: string
  readonly plan: string | null
  readonly package: string | null
  readonly key: string
  readonly createdAt: string
  readonly payment: ExplainedPayment
  /** The grant it paid for. */
  readonly grantId: string | null
}

/** What `explain` answers: plain data that can be printed as JSON. */
export type Explanation =
  | ExplainedUsage
  | ExplainedEntry
  | ExplainedGrant
  | ExplainedHold
  | ExplainedNotice
  | ExplainedEvent
  | ExplainedCheckout

const listed = 100

/** Ids as they are stored: those of events name a meter's period, with `|` in between. */
const idText = z
  .string()
  .min(1)
  .max(1_000)
  .refine((value) => /^[A-Za-z0-9._:|=@/+-]+$/.test(value) || value.startsWith('evt_'), 'must be an id')
  .refine((value) => !value.includes('\0') && !/\p{Surrogate}/u.test(value), 'must be well-formed text without NUL')

const explainSchema = z.strictObject({ accountId, id: idText })

/**
 * Walks from anything with an id back to its cause: what was reported, at which prices, with what margin and rounding, who paid, out of
 * which credits, where those came from, and who was told. Everything is worked out again from what is kept: `agrees` says whether it is
 * what is stored.
 *
 * @throws BillingError `not_found` (also for what belongs to another account), `invalid_request`
 * @example console.log(JSON.stringify(await billing.explain({ accountId, id }), null, 2))
 * @see docs/explain.md
 */
export async function explain(ctx: BillingContext, input: ExplainInput): Promise<Explanation> {
  const { accountId: account, id } = parse(explainSchema, input)
  await requireAccount(ctx, account)
  const found = await find(ctx, account, id)
  if (found) return found
  throw new BillingError('not_found', `Nothing on account ${account} has the id ${id.slice(0, 200)}.`, {
    details: { id },
  })
}

async function find(ctx: BillingContext, account: string, id: string): Promise<Explanation | null> {
  switch (id.slice(0, 4)) {
    case 'hld_':
      return explainHold(ctx, account, id)
    case 'dlv_':
      return explainNotice(ctx, account, id)
    case 'evt_':
      return explainEvent(ctx, account, id)
    case 'chk_':
      return explainCheckout(ctx, account, id)
    case 'grt_': {
      const grant = await explainGrant(ctx, account, id)
      if (grant) return grant
    }
  }
  const entry = await ctx.store.ledger.entry(account, id)
  if (!entry) return null
  return isUsage(entry) ? explainUsage(ctx, entry) : explainEntry(ctx, entry)
}

async function explainEntry(ctx: BillingContext, entry: LedgerEntry): Promise<ExplainedEntry> {
  const { store } = ctx
  const { accountId: account, corrects } = entry
  const [burns, correctedBy, corrected, payment] = await Promise.all([
    explainBurns(ctx, entry),
    store.ledger.corrections(account, [entry.id]),
    corrects === null ? null : store.ledger.entry(account, corrects),
    entry.operation === 'refund' ? explainPayment(ctx, account, entry.reason.replace(/^payment /, '')) : null,
  ])
  const problems = burnProblems(entry)
  return {
    kind: 'entry',
    id: entry.id,
    accountId: account,
    operation: entry.operation,
    key: entry.key,
    reason: entry.reason,
    counterAccount: entry.counterAccount,
    amount: formatSparks(entry.amount),
    balance: explainBalance(entry),
    burns,
    corrects: corrected && moveOf(corrected, corrected.amount),
    correctedBy: correctedBy.map((row) => moveOf(row, row.amount)),
    payment,
    recordedAt: moment(entry.recordedAt),
    agrees: problems.length === 0,
    problems,
  }
}

async function explainGrant(ctx: BillingContext, account: string, id: string): Promise<ExplainedGrant | null> {
  const grant = await ctx.store.ledger.grant(account, id)
  if (!grant) return null
  const burnedBy: ExplainedMove[] = []
  let rows = 0
  let left = 0n
  let opened = 0n
  for await (const row of rowsOf(ctx, account, { grantId: id })) {
    const amount = row.burns.reduce((sum, burn) => (burn.grantId === id ? sum + burn.amount : sum), 0n)
    left -= amount
    if (isOpening(row)) opened -= amount
    else {
      rows += 1
      if (burnedBy.length < listed) burnedBy.push(moveOf(row, amount))
    }
  }
  const problems =
    left === grant.remaining
      ? []
      : [`${formatSparks(grant.remaining)} Sparks are left of it, and its rows leave ${formatSparks(left)}.`]
  return {
    kind: 'grant',
    id,
    accountId: account,
    grantKind: grant.kind,
    origin: grant.origin,
    amount: formatSparks(grant.amount),
    remaining: formatSparks(grant.remaining),
    priority: grant.priority,
    reason: grant.reason,
    grantedAt: moment(grant.grantedAt),
    expiresAt: optionalMoment(grant.expiresAt),
    cause: await causeOf(ctx, grant),
    burnedBy,
    burned: { rows, sparks: formatSparks(opened - left) },
    agrees: problems.length === 0,
    problems,
  }
}

/** Whether a row gave credits: what it put into a grant is how that began. */
function isOpening({ operation, amount, corrects }: LedgerEntry): boolean {
  return operation === 'grant' || operation === 'renew' || (operation === 'adjust' && amount > 0n && corrects === null)
}

async function explainHold(ctx: BillingContext, account: string, id: string): Promise<ExplainedHold | null> {
  const hold = await ctx.store.ledger.hold(account, id)
  if (!hold) return null
  const settledBy: ExplainedMove[] = []
  let taken = 0n
  for await (const row of rowsOf(ctx, account, { usage: { holdId: id, recordedFrom: hold.createdAt } })) {
    taken -= row.amount
    if (settledBy.length < listed) settledBy.push(moveOf(row, -row.amount))
  }
  const problems =
    taken === hold.captured
      ? []
      : [`It captured ${formatSparks(hold.captured)} Sparks, and its rows took ${formatSparks(taken)}.`]
  return {
    kind: 'hold',
    id,
    accountId: account,
    status: hold.status,
    meter: hold.meter,
    reason: hold.reason,
    key: hold.key,
    quantity: formatQuantity(hold.quantity),
    sparks: formatSparks(hold.sparks),
    rated: formatSparks(hold.rated),
    captured: formatSparks(hold.captured),
    createdAt: moment(hold.createdAt),
    expiresAt: moment(hold.expiresAt),
    settledBy,
    agrees: problems.length === 0,
    problems,
  }
}

async function explainNotice(ctx: BillingContext, account: string, id: string): Promise<ExplainedNotice | null> {
  const delivery = await ctx.store.outbox.delivery(account, id)
  if (!delivery) return null
  const { kind, destination, status, attempts, createdAt, error, entries, event } = delivery
  const carried = kind === 'metering' ? carriedBy(delivery) : 0n
  const problems =
    carried < microPerUnit && carried > -microPerUnit
      ? []
      : [`Its whole Sparks and those of its rows differ by ${formatSparks(carried)}, which is more than is carried.`]
  return {
    kind: 'delivery',
    id,
    accountId: account,
    destination,
    status,
    attempts,
    createdAt: moment(createdAt),
    error,
    usage: kind === 'event' ? null : explainDelivery(delivery),
    entries: entries.slice(0, listed).map((row) => moveOf(row, row.usage?.sparks ?? 0n)),
    event: event && (await explainEvent(ctx, account, event.id)),
    agrees: problems.length === 0,
    problems,
  }
}

async function explainEvent(ctx: BillingContext, account: string, id: string): Promise<ExplainedEvent | null> {
  const event = await ctx.store.outbox.event(account, id)
  if (!event) return null
  const { type, occurredAt, data } = event
  return {
    kind: 'event',
    id,
    accountId: account,
    type,
    occurredAt: moment(occurredAt),
    data,
    causes: await causesOf(ctx, account, event),
  }
}

/** What an event is about: the row it has its own id from, and what its facts name. */
async function causesOf(
  { store }: BillingContext,
  account: string,
  { id, data }: { readonly id: string; readonly data: ExplainedEvent['data'] },
): Promise<readonly string[]> {
  const rest = id.slice('evt_'.length)
  const rows = [rest, `ent_${rest}`, `ent_${rest.replace(/^expire_/, '')}`]
  const named = ['usageId', 'grantId', 'holdId', 'deliveryId', 'checkoutId', 'paymentId'].flatMap(
    (name) => data[name] ?? [],
  )
  const candidates = [...new Set([...rows, ...named.map(String)])]
  const exists = await Promise.all(
    candidates.map(async (candidate) => {
      const [entry, grant, hold, delivery, intent] = await Promise.all([
        store.ledger.entry(account, candidate),
        store.ledger.grant(account, candidate),
        store.ledger.hold(account, candidate),
        store.outbox.delivery(account, candidate),
        store.intents.get(account, candidate),
      ])
      return (entry ?? grant ?? hold ?? delivery ?? intent) !== null
    }),
  )
  return candidates.filter((_, index) => exists[index])
}

async function explainCheckout(ctx: BillingContext, account: string, id: string): Promise<ExplainedCheckout | null> {
  const [intent, payment, known] = await Promise.all([
    ctx.store.intents.get(account, id),
    explainPayment(ctx, account, id),
    ctx.store.ledger.payment(account, id),
  ])
  if (!intent || !payment) return null
  return {
    kind: 'checkout',
    id,
    accountId: account,
    sells: intent.kind,
    sparks: formatSparks(intent.sparks),
    plan: intent.plan,
    package: intent.package,
    key: intent.key,
    createdAt: moment(intent.createdAt),
    payment,
    grantId: known?.grantId ?? null,
  }
}

function moveOf({ id, operation, reason, recordedAt }: LedgerEntry, sparks: bigint): ExplainedMove {
  return { id, operation, sparks: formatSparks(sparks), reason, recordedAt: moment(recordedAt) }
}

/** All rows that a filter picks, newest first. */
async function* rowsOf(ctx: BillingContext, account: string, filter: Omit<EntryPage, 'limit' | 'before'>) {
  let before: string | undefined
  for (;;) {
    const page = { limit: 500, ...filter, ...(before === undefined ? {} : { before }) }
    const rows = await ctx.store.ledger.entries(account, page)
    yield* rows
    before = rows.at(-1)?.cursor
    if (rows.length < 500) return
  }
}
