import { collectedParts } from '../../src/core/domain/ledger/collected-parts.js'
import type { LedgerCommand } from '../../src/core/domain/ledger/command.js'
import { apply, needs } from '../../src/core/domain/ledger/kernel.js'
import type { LedgerOutcome } from '../../src/core/domain/ledger/outcome.js'
import {
  type AccountState,
  type Counter,
  type Hold,
  type LedgerEntry,
  type LedgerRows,
  type LedgerState,
  newAccountState,
  type Rollup,
  type StoredKey,
} from '../../src/core/domain/ledger/state.js'
import { rules } from './catalog.js'

/** Everything the kernel answered so far, by what it replaces; the state of the next batch. */
export interface Books {
  now: number
  readonly accounts: Map<string, AccountState>
  readonly grants: Map<string, LedgerState['grants'][number]>
  readonly counters: Map<string, Counter>
  readonly holds: Map<string, Hold>
  readonly budgets: Map<string, LedgerState['budgets'][number]>
  readonly payments: Map<string, LedgerState['payments'][number]>
  readonly levels: Map<string, LedgerState['levels'][number]>
  readonly seen: LedgerState['seen'][number][]
  readonly keys: Map<string, StoredKey>
  readonly entries: Map<string, LedgerEntry>
  readonly rollups: Rollup[]
  readonly deliveries: LedgerRows['deliveries'][number][]
  readonly events: Map<string, string>
  /** The most units that were ever given of a meter, by account and meter. */
  readonly given: Map<string, bigint | null>
}

export function createBooks(accountIds: readonly string[], plan: string): Books {
  return {
    now: 0,
    accounts: new Map(accountIds.map((id) => [id, newAccountState(id, plan)])),
    grants: new Map(),
    counters: new Map(),
    holds: new Map(),
    budgets: new Map(),
    payments: new Map(),
    levels: new Map(),
    seen: [],
    keys: new Map(),
    entries: new Map(),
    rollups: [],
    deliveries: [],
    events: new Map(),
    given: new Map(),
  }
}

/** The budgets that a command is about: those it names, and those of the hold it names. */
function scopesNamed(books: Books, command: LedgerCommand): readonly string[] {
  if (command.kind === 'set_budget' || command.kind === 'raise_budget') return [command.scope]
  const hold = 'holdId' in command ? books.holds.get(`${command.accountId}|${command.holdId}`) : undefined
  return [...('budgets' in command ? command.budgets : []), ...(hold?.budgets ?? [])]
}

/** Has a batch decided and keeps what it answers. */
export function commit(books: Books, commands: readonly LedgerCommand[], now: number) {
  books.now = now
  const named = new Set(commands.flatMap((command) => scopesNamed(books, command)))
  const state: LedgerState = {
    now,
    loaded: needs(commands, rules),
    accounts: [...books.accounts.values()],
    grants: [...books.grants.values()],
    counters: [...books.counters.values()],
    holds: [...books.holds.values()],
    budgets: [...books.budgets.values()].filter(({ scope, held }) => held > 0n || named.has(scope)),
    payments: [...books.payments.values()],
    levels: [...books.levels.values()],
    seen: books.seen,
    entries: [...books.entries.values()],
    keys: [...books.keys.values()],
  }
  for (const account of books.accounts.values()) noteGiven(books, account)
  for (const command of commands) {
    const account = books.accounts.get(command.accountId)
    if (!account) continue
    if (command.kind === 'change_plan') {
      noteGiven(books, { ...account, plan: command.plan, terms: null })
      noteGiven(books, { ...account, plan: command.plan })
    }
    if (command.kind === 'change_terms' && command.terms !== undefined) {
      noteGiven(books, { ...account, terms: command.terms })
      noteGiven(books, { ...account, terms: null })
    }
  }
  const answer = apply(state, commands, rules)
  keep(books, answer.rows)
  return answer
}

function keep(books: Books, rows: LedgerRows): void {
  const id = (...parts: readonly unknown[]) => parts.join('|')
  for (const { value: each } of rows.accounts) books.accounts.set(each.id, each)
  for (const each of books.accounts.values()) noteGiven(books, each)
  for (const { value: each } of rows.grants) books.grants.set(id(each.accountId, each.id), each)
  for (const { value: each } of rows.counters) books.counters.set(id(each.accountId, each.meter, each.startsAt), each)
  for (const { value: each } of rows.budgets) books.budgets.set(id(each.accountId, each.scope), each)
  for (const each of rows.payments) books.payments.set(id(each.accountId, each.id), each)
  for (const each of rows.levels) books.levels.set(id(each.accountId, each.meter, each.at), each)
  books.seen.push(...rows.seen)
  for (const each of rows.holds) {
    books.holds.set(id(each.accountId, each.id), each)
    remember(books, each)
    if (each.release) remember(books, { accountId: each.accountId, ...each.release })
  }
  for (const each of rows.entries) {
    expectThat(!books.entries.has(id(each.accountId, each.id)), `row ${each.id} is written twice`)
    books.entries.set(id(each.accountId, each.id), each)
    remember(books, each)
  }
  books.rollups.push(...rows.rollups)
  books.deliveries.push(...rows.deliveries)
  for (const each of rows.events) {
    expectThat(!books.events.has(each.id), `event ${each.id} is told twice`)
    books.events.set(each.id, each.type)
  }
}

/** A batch may put an account on several plans; what it names last of each kind is seen here, and what it names before is in `named`. */
function noteGiven(books: Books, { id, plan, terms }: AccountState): void {
  for (const meter of rules.catalog.meters.keys()) {
    const agreed = terms?.entitlements[meter]?.included
    const included = agreed ?? rules.catalog.plans.get(plan)?.entitlements.get(meter)?.included ?? 0n
    const before = books.given.get(`${id}|${meter}`)
    if (included === 'unlimited' || before === null) books.given.set(`${id}|${meter}`, null)
    else if (before === undefined || included > before) books.given.set(`${id}|${meter}`, included)
  }
}

function remember(books: Books, { accountId, dedupe, fingerprint, result }: StoredKey): void {
  books.keys.set(`${accountId}|${dedupe}`, { accountId, dedupe, fingerprint, result })
}

/** What must add up after every batch, recounted from rows and open holds. */
export function expectToAddUp(books: Books): void {
  for (const account of books.accounts.values()) expectAccount(books, account)
}

function expectAccount(books: Books, { id: accountId, balance, held }: AccountState): void {
  const own = <T extends { readonly accountId: string }>(all: Iterable<T>) =>
    [...all].filter((each) => each.accountId === accountId)
  const rows = own(books.entries.values())
  const open = own(books.holds.values()).filter(({ status }) => status === 'open')
  const grants = own(books.grants.values())
  expectSame(
    balance,
    sum(rows, ({ amount }) => amount),
    `balance of ${accountId} and its rows`,
  )
  const left = sum(grants, ({ remaining }) => remaining)
  expectSame(left, balance > 0n ? balance : 0n, `grants of ${accountId} and its balance`)
  expectSame(
    held,
    sum(open, ({ sparks }) => sparks),
    `what ${accountId} has held and its open holds`,
  )
  const burned = new Map<string, bigint>()
  for (const { burns } of rows)
    for (const { grantId, amount } of burns) burned.set(grantId, (burned.get(grantId) ?? 0n) + amount)
  const reversed = (row: string) =>
    sum(
      rows.filter(({ corrects }) => corrects === row),
      ({ amount }) => amount,
    )
  const ended = new Map<string, bigint>()
  for (const { id, operation, burns } of rows)
    for (const { grantId, amount } of operation === 'expire' ? burns : [])
      ended.set(grantId, (ended.get(grantId) ?? 0n) + amount - reversed(id))
  for (const { id, remaining, amount, expired } of grants) {
    expectSame(expired, ended.get(id) ?? 0n, `what expired of grant ${id} and the rows that say so`)
    expectSame(remaining, -(burned.get(id) ?? 0n), `what is left of grant ${id} and its burns`)
    expectThat(remaining >= 0n && remaining <= amount, `grant ${id} of ${amount} has ${remaining} left`)
  }
  for (const hold of own(books.holds.values())) {
    const parts = [hold.sparks, hold.quantity, hold.allowance, hold.rated, hold.budgeted]
    expectThat(
      parts.every((part) => part >= 0n),
      `hold ${hold.id} has less than nothing of something`,
    )
  }
  expectUsage(rows)
  for (const counter of own(books.counters.values())) expectCounter(books, counter, rows, open)
  for (const budget of own(books.budgets.values())) {
    const reserving = open.filter(({ budgets }) => budgets.includes(budget.scope))
    // A budget that is made while a hold is open has nothing of that.
    expectThat(budget.held >= 0n, `budget ${budget.scope} has ${budget.held} held`)
    expectThat(budget.held <= sum(reserving, ({ budgeted }) => budgeted), `budget ${budget.scope} holds too much`)
    expectThat(budget.used >= 0n, `budget ${budget.scope} has used ${budget.used}`)
  }
  for (const payment of own(books.payments.values())) {
    const refunds = rows.filter(({ reason, operation }) => operation === 'refund' && reason === `payment ${payment.id}`)
    expectSame(payment.reversed, -sum(refunds, ({ amount }) => amount), `what was reversed of ${payment.id}`)
    expectThat(payment.reversed >= 0n && payment.reversed <= payment.sparks, `${payment.id} is reversed beyond itself`)
  }
}

function expectUsage(rows: readonly LedgerEntry[]): void {
  for (const { id, usage, amount } of rows) {
    if (!usage) continue
    const parts = Object.values(usage.settledBy)
    expectSame(
      sum(parts, (part) => part),
      usage.sparks,
      `the split of ${id} and what was rated`,
    )
    const paid = (usage.settledBy.credits ?? 0n) + (usage.settledBy.debt ?? 0n)
    expectSame(amount, -paid, `what ${id} moved and what it was charged`)
  }
}

function expectCounter(books: Books, counter: Counter, rows: readonly LedgerEntry[], open: readonly Hold[]): void {
  const { meter, startsAt, endsAt } = counter
  const name = `${meter} from ${startsAt}`
  const counted = rows.filter(
    ({ usage, result }) =>
      usage?.meter === meter && result.kind === 'usage' && result.quota.periodStartsAt === startsAt,
  )
  const reserved = open.filter((hold) => hold.meter === meter && hold.periodStartsAt === startsAt)
  const isLevel = rules.catalog.meters.get(meter)?.aggregation === 'level'
  if (!isLevel)
    expectSame(
      counter.used,
      sum(counted, ({ usage }) => usage?.quantity ?? 0n),
      `use of ${name}`,
    )
  expectSame(
    counter.rated,
    sum(counted, ({ usage }) => usage?.sparks ?? 0n),
    `Sparks of ${name}`,
  )
  expectSame(
    counter.allowance,
    sum(counted, ({ usage }) => usage?.included ?? 0n),
    `units given of ${name}`,
  )
  expectSame(
    counter.overage,
    sum(counted, ({ usage }) => sum(collectedParts(usage?.settledBy ?? {}), ([, sparks]) => sparks)),
    `overage of ${name}`,
  )
  expectSame(
    counter.held,
    sum(reserved, ({ quantity }) => quantity),
    `units held of ${name}`,
  )
  expectSame(
    counter.heldAllowance,
    sum(reserved, ({ allowance }) => allowance),
    `units of ${name} held of what is given`,
  )
  expectThat(
    counter.allowance >= 0n && counter.allowance <= (isLevel ? counter.allowance : counter.used),
    `${name} was given more than used`,
  )
  const most = books.given.get(`${counter.accountId}|${meter}`)
  const given = counter.allowance + counter.heldAllowance
  expectThat(most === null || given <= (most ?? 0n), `${name}: ${given} units are given of ${most}`)
  expectThat(counter.used >= 0n, `use of ${name} is ${counter.used}`)
  expectThat(startsAt < endsAt, `${name} ends at ${endsAt}`)
}

/** The sums of days and what providers were told, which only grow. */
export function expectReports(books: Books): void {
  for (const accountId of books.accounts.keys()) {
    const rows = [...books.entries.values()].filter((each) => each.accountId === accountId)
    const used = rows.filter(({ usage }) => usage !== null)
    const days = books.rollups.filter((each) => each.accountId === accountId && each.dimension === '')
    for (const field of ['quantity', 'sparks'] as const) {
      expectSame(
        sum(days, (each) => each[field]),
        sum(used, ({ usage }) => usage?.[field] ?? 0n),
        `${field} of the days of ${accountId}`,
      )
    }
  }
  for (const provider of rules.metering) expectTold(books, provider)
}

/** Each metering provider is told the same, apart or to charge it, whole Sparks and a rest that is carried. */
function expectTold(books: Books, provider: string): void {
  const told = new Map<string, bigint>()
  const add = (key: string, sparks: bigint) => told.set(key, (told.get(key) ?? 0n) + sparks)
  const shadow = `shadow:${provider}`
  for (const { accountId, destination, meter, periodStartsAt, sparks } of books.deliveries)
    if (destination === provider || destination === shadow)
      add(`${accountId}|${meter}|${periodStartsAt}|${destination}`, sparks * 1_000_000n)
  for (const { accountId, meter, startsAt, carried } of books.counters.values()) {
    for (const rest of Object.values(carried)) expectThat(rest >= 0n && rest < 1_000_000n, `${rest} is carried`)
    for (const destination of [provider, shadow])
      add(`${accountId}|${meter}|${startsAt}|${destination}`, carried[destination] ?? 0n)
  }
  for (const { accountId, usage, result, deliveries } of books.entries.values()) {
    if (!usage || usage.meter === '' || result.kind !== 'usage') continue
    const place = `${accountId}|${usage.meter}|${result.quota.periodStartsAt}`
    const collected = collectedParts(usage.settledBy)
    const own = sum(collected, ([collector, sparks]) => (collector === provider ? sparks : 0n))
    const all = sum(collected, ([, sparks]) => sparks)
    if (collected.length > 0) {
      add(`${place}|${provider}`, -own)
      add(`${place}|${shadow}`, own - all)
    } else if (provider in deliveries) add(`${place}|${provider}`, -usage.sparks)
    else if (shadow in deliveries) add(`${place}|${shadow}`, -usage.sparks)
  }
  for (const [place, difference] of told) expectSame(difference, 0n, `what was told and carried of ${place}`)
}

/** A key that was applied is answered with what it was answered first, and changes nothing. */
export function expectRepeats(
  firsts: Map<string, unknown>,
  commands: readonly LedgerCommand[],
  outcomes: readonly LedgerOutcome[],
): void {
  commands.forEach((command, index) => {
    const outcome = outcomes[index]
    if (!('dedupe' in command) || !outcome) return
    const key = `${command.accountId}|${command.dedupe}|${command.fingerprint}`
    const first = firsts.get(key)
    if (first !== undefined) {
      expectThat(outcome.status === 'duplicate' && outcome.result === first, `the repeat of ${command.id} is no repeat`)
    } else if (outcome.status === 'applied') firsts.set(key, outcome.result)
    else expectThat(outcome.status === 'refused', `${command.id} was ${outcome.status} at first`)
  })
}

function sum<T>(all: Iterable<T>, of: (each: T) => bigint): bigint {
  let total = 0n
  for (const each of all) total += of(each)
  return total
}

function expectSame(actual: bigint, expected: bigint, what: string): void {
  expectThat(actual === expected, `${what}: ${actual} and ${expected}`)
}

function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}
