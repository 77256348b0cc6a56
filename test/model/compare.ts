import { isDeepStrictEqual } from 'node:util'
import { billingEventTypes } from '../../src/core/domain/event.js'
import type { LedgerOutcome } from '../../src/core/domain/ledger/outcome.js'
import type { Store } from '../../src/core/ports/store.js'
import { rules } from './catalog.js'
import {
  type Account,
  balanceOf,
  budgetsNow,
  createModel,
  decideBatch,
  heldOf,
  heldOfBudget,
  type Model,
  numbersOf,
  type Outcome,
  openAccount,
  openGrants,
  paidPlanOf,
  picosOf,
} from './ledger.js'
import { batchesOf } from './reduce.js'
import type { Step } from './sequence.js'

/** A store under comparison, with the clock that it goes by. */
export interface Subject {
  readonly store: Store
  setNow(now: number): void
}

const consumer = 'model'
const everything = { early: true, limit: 1_000, leaseMs: 1_000_000_000_000 }

/**
 * Runs a sequence on a store and on the model, and fails at the first difference: in an outcome, or at the end in anything that can be
 * seen of the accounts.
 */
export async function compare(
  { store, setNow }: Subject,
  accountIds: readonly string[],
  steps: readonly Step[],
  plan: string,
): Promise<void> {
  const model = createModel(rules)
  setNow(steps[0]?.at ?? 0)
  await store.outbox.subscribe(consumer, billingEventTypes)
  for (const id of accountIds) {
    openAccount(model, id, plan)
    await store.accounts.ensure({ id, email: null, name: null, plan })
  }
  let last = 0
  for (const batch of batchesOf(steps)) {
    const commands = batch.map(({ command }) => command)
    last = batch[0]?.at ?? last
    setNow(last)
    const expected = decideBatch(model, commands, last)
    const outcomes = await store.ledger.commit(commands, rules)
    commands.forEach((command, index) => {
      const name = `${command.kind} ${command.id} (batch ${batch[0]?.batch})`
      same(seen(outcomes[index], expected[index]), expected[index], name)
    })
  }
  const due = (await store.ledger.due(1_000_000)).filter((id) => accountIds.includes(id))
  const sweep = accountIds.map((accountId) => ({ kind: 'expire' as const, accountId, id: `${accountId}_last_sweep` }))
  const expected = decideBatch(model, sweep, last)
  const outcomes = await store.ledger.commit(sweep, rules)
  outcomes.forEach((outcome, index) => {
    same(seen(outcome, expected[index]), expected[index], `the last sweep of ${accountIds[index]}`)
  })
  const swept = accountIds.filter((_, index) => {
    const outcome = expected[index]
    return outcome?.status === 'applied' && Number(outcome.result.expired) > 0
  })
  for (const id of swept) same(due.includes(id), true, `whether ${id} was due`)
  const left = (await store.ledger.due(1_000_000)).filter((id) => accountIds.includes(id))
  same(left, [], 'who is due after the last sweep')
  await compareDeliveries(store, model)
  for (const account of model.accounts.values()) await compareAccount(store, model, account)
}

/** What of an outcome the model says something about. */
function seen(outcome: LedgerOutcome | undefined, expected: Outcome | undefined): unknown {
  if (outcome?.status !== 'refused') return outcome && { status: outcome.status, result: outcome.result }
  const { status, code, details } = outcome
  if (expected?.status !== 'refused' || expected.reason === undefined) return { status, code }
  return { status, code, reason: details.reason, balance: details.balance, quota: details.quota }
}

async function compareAccount(store: Store, model: Model, account: Account): Promise<void> {
  const context = { model, account, now: model.now, cause: '' }
  const { id } = account
  const snapshot = await store.ledger.snapshot(id)
  if (!snapshot) throw new Error(`${id} is not there`)
  const { plan, anchor, zone, suspendedFor, renewsAt, renewed, currency, terms, topUp: autoTopUp, collectors } = account
  const paidPlan = paidPlanOf(account)
  const fixed = {
    id,
    plan,
    anchor,
    zone,
    suspendedFor,
    renewsAt,
    renewed,
    currency,
    terms,
    autoTopUp,
    paidPlan,
    collectors,
  }
  same(snapshot.account, { ...fixed, balance: balanceOf(account), held: heldOf(account) }, `the account ${id}`)
  same(
    snapshot.grants.map(({ expired: _, ...grant }) => ({ ...grant, accountId: '', reason: '' })),
    openGrants(account).map(({ grant, left }) => ({ ...grant, remaining: left, accountId: '', reason: '' })),
    `the grants of ${id}`,
  )
  const current = account.counts.filter(({ startsAt, endsAt }) => startsAt <= model.now && model.now < endsAt)
  for (const count of current) {
    const found = snapshot.counters.find(({ meter, startsAt }) => meter === count.meter && startsAt === count.startsAt)
    const { endsAt, used, held, allowance, heldAllowance, rated, overage } = found ?? {}
    const { status, throttledAttempts, transitions } = found ?? {}
    const area = rules.catalog.meters.get(count.meter)?.aggregation === 'time_weighted'
    const numbers = numbersOf(account, count)
    same(
      [
        endsAt,
        area ? numbers.used : used,
        held,
        allowance,
        heldAllowance,
        rated,
        overage,
        status,
        throttledAttempts,
        transitions,
      ],
      [
        ...[count.endsAt, numbers.used, numbers.held, numbers.allowance, numbers.heldAllowance, numbers.rated],
        ...[numbers.overage, count.status, count.refusals, count.transitions],
      ],
      `the use of ${count.meter} by ${id}`,
    )
  }
  const budgets = await store.ledger.budgets(id, { limit: 100 })
  same(
    budgets.map(({ accountId: _, limitSparks: limit, ...budget }) => ({ ...budget, limit })),
    budgetsNow(context)
      .filter(({ limit }) => limit !== null)
      .map((budget) => ({ ...budget, held: heldOfBudget(account, budget.scope) }))
      .sort((a, b) => (a.scope < b.scope ? -1 : 1)),
    `the budgets of ${id}`,
  )
  await compareRows(store, account)
  await compareRollups(store, account)
  for (const hold of account.holds) {
    const found = await store.ledger.hold(id, hold.id)
    const { status, quantity, sparks, allowance, rated, budgeted, captured, expiresAt } = hold
    const expected = { status, quantity, sparks, allowance, rated, budgeted, captured, expiresAt }
    const kept =
      found && Object.fromEntries(Object.keys(expected).map((name) => [name, found[name as keyof typeof found]]))
    same(kept, expected, `the hold ${hold.id}`)
  }
}

async function compareRows(store: Store, account: Account): Promise<void> {
  const rows = await store.ledger.entries(account.id, { limit: 100_000 })
  const text = (parts: readonly unknown[]) => parts.join(' ')
  same(
    rows
      .map(({ operation, amount, usage }) =>
        text([operation, amount, usage?.meter, usage?.quantity, usage?.sparks, usage?.costUsd]),
      )
      .sort(),
    account.rows
      .map(({ operation, amount, usage }) =>
        text([operation, amount, usage?.meter, usage?.quantity, usage?.sparks, usage?.costUsd]),
      )
      .sort(),
    `the rows of ${account.id}`,
  )
}

async function compareRollups(store: Store, account: Account): Promise<void> {
  for (const dimension of ['', 'feature']) {
    const kept = await store.ledger.rollups(account.id, { from: '2000-01-01', to: '2200-01-01', dimension })
    const sums = new Map<string, [number, bigint, bigint, bigint, bigint]>()
    for (const { usage } of account.rows) {
      const value = dimension === '' ? '' : usage?.dimensions[dimension]
      if (!usage || value === undefined) continue
      const day = new Date(usage.occurredAt).toISOString().slice(0, 10)
      const name = [day, usage.meter, usage.provider ?? '', usage.model ?? '', value].join('|')
      const [events, quantity, sparks, charged, picos] = sums.get(name) ?? [0, 0n, 0n, 0n, 0n]
      const cost = usage.costUsd === null ? 0n : picosOf(usage.costUsd)
      sums.set(name, [
        events + usage.events,
        quantity + usage.quantity,
        sparks + usage.sparks,
        charged + usage.charged,
        picos + cost,
      ])
    }
    const found = kept.map(
      ({ day, meter, provider, model, value, events, quantity, sparks, charged, costPicos }) =>
        [[day, meter, provider, model, value].join('|'), [events, quantity, sparks, charged, costPicos]] as const,
    )
    same(sorted(new Map(found)), sorted(sums), `the sums by day of ${account.id} ${dimension}`)
  }
}

/** What providers are told of each period in whole Sparks, and how often what was told to a listener. */
async function compareDeliveries(store: Store, model: Model): Promise<void> {
  for (const destination of rules.metering.flatMap((name) => [name, `shadow:${name}`])) {
    const reported = new Map<string, bigint>()
    for (const { accountId, meter, periodStartsAt, sparks } of await claimAll(store, destination)) {
      const place = `${accountId} ${meter} ${periodStartsAt}`
      reported.set(place, (reported.get(place) ?? 0n) + sparks)
    }
    const rated = new Map<string, bigint>()
    for (const { id, rows } of model.accounts.values()) {
      for (const { usage, told } of rows) {
        if (!usage?.count) continue
        const place = `${id} ${usage.meter} ${usage.count.startsAt}`
        rated.set(place, (rated.get(place) ?? 0n) + (told[destination] ?? 0n))
      }
    }
    const floor = (value: bigint) => (value - (((value % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n
    const whole = new Map([...rated].map(([place, sparks]) => [place, floor(sparks)]))
    const wholes = (map: ReadonlyMap<string, bigint>) => sorted(new Map([...map].filter(([, sparks]) => sparks !== 0n)))
    same(wholes(reported), wholes(whole), `what ${destination} is told`)
  }
  const traced = (await claimAll(store, 'traces')).flatMap(({ entryIds }) => entryIds)
  const events = [...model.accounts.values()].flatMap(({ rows }) =>
    rows.flatMap(({ id, operation, usage }) => (operation === 'usage' && usage ? [id] : [])),
  )
  same([...traced].sort(), events.sort(), 'what is traced')
  const told = (await claimAll(store, `consumer:${consumer}`)).map(
    ({ accountId, event }) => `${accountId} ${event?.type}`,
  )
  const types = [...model.accounts.values()].flatMap(({ id, told }) => told.map((type) => `${id} ${type}`))
  same(counted(told), counted(types), 'what is told')
}

async function claimAll(store: Store, destination: string) {
  const all: Awaited<ReturnType<Store['outbox']['claim']>>[number][] = []
  for (;;) {
    const claimed = await store.outbox.claim(destination, everything)
    if (claimed.length === 0) return all
    all.push(...claimed)
  }
}

function counted(names: readonly string[]): readonly unknown[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return sorted(counts)
}

function sorted<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return
  throw new Error(`${what}: the store says ${show(actual)}, the model ${show(expected)}`)
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each)) ?? String(value)
}
