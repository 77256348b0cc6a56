import type { Entitlement } from '../../src/core/domain/catalog.js'
import type {
  AdjustCommand,
  AmendCommand,
  AuthorizeCommand,
  CaptureCommand,
  ChangePlanCommand,
  ChangeTermsCommand,
  ExcessPolicy,
  ExpireGrantCommand,
  ExtendCommand,
  GrantCommand,
  HoldCommand,
  LedgerCommand,
  RaiseBudgetCommand,
  ReleaseCommand,
  ReversePaymentCommand,
  SetBudgetCommand,
  SuspendCommand,
  UsageCommand,
} from '../../src/core/domain/ledger/command.js'
import type { LedgerRules } from '../../src/core/domain/ledger/state.js'
import type { AccountTerms, AutoTopUp } from '../../src/core/domain/ledger/terms.js'
import type { Cycle, Period } from '../../src/core/domain/period.js'
import type { Rate } from '../../src/core/domain/rating/rate.js'
import { periodsBetween } from '../core/domain/period-oracle.js'
import { dearestOf, nearest, priceOf } from './prices.js'

/**
 * The ledger as its documents describe it, written a second time: what happened is kept as lists of facts, and every number is counted
 * anew from them whenever it is asked for.
 */
export interface Model {
  readonly rules: LedgerRules
  readonly accounts: Map<string, Account>
  now: number
}

export interface Account {
  readonly id: string
  plan: string
  anchor: number | null
  zone: string
  suspendedFor: string | null
  renewsAt: number | null
  renewed: bigint
  currency: string | null
  terms: AccountTerms | null
  topUp: AutoTopUp | null
  /** Who collects from when on. */
  collectors: readonly { readonly provider: string; readonly from: number }[]
  readonly rows: Row[]
  readonly grants: Grant[]
  readonly holds: Hold[]
  readonly counts: Count[]
  readonly budgets: Budget[]
  readonly payments: Payment[]
  /** What levels were said to be, from when on. */
  readonly levels: { readonly meter: string; readonly at: number; readonly value: bigint }[]
  /** Up to when the levels of a meter are counted. */
  readonly countedTo: Map<string, number>
  readonly seen: { readonly value: string; readonly count: Count }[]
  readonly keys: Map<string, { readonly fingerprint: string; readonly result: Result }>
  /** The subscription whose paid periods bring the plan's credits. */
  paidBy: PaidBy | null
  /** The paid periods that brought credits. */
  readonly paidPeriods: Set<string>
  /** What was left of grants when their time was over. */
  readonly lapsed: { readonly grant: Grant; readonly amount: bigint }[]
  /** Types of what was told. */
  readonly told: string[]
  /** The counts a batch has in sight: others are looked at again when a command of their own comes. */
  sight: Set<Count>
}

interface PaidBy {
  readonly source: string
  readonly provider: string
  readonly until: number | null
  readonly given: bigint
  /** What was left of a period that nobody told of before it was over. */
  readonly missed: bigint
  /** How many grants had lapsed before it was told of the period. */
  readonly lapsedBefore: number
}

/** One thing that happened to the balance. */
export interface Row {
  readonly id: string
  readonly operation: string
  readonly amount: bigint
  readonly burns: readonly Burn[]
  readonly corrects: string | null
  readonly at: number
  readonly plan: string
  readonly usage: Used | null
  /** What providers are told of it, by who is told. */
  readonly told: Split
}

interface Burn {
  readonly grantId: string
  readonly amount: bigint
}

type Split = Readonly<Record<string, bigint>>

export interface Used {
  readonly meter: string
  readonly quantity: bigint
  readonly sparks: bigint
  readonly costUsd: string | null
  readonly provider: string | null
  readonly model: string | null
  readonly dimensions: Readonly<Record<string, string>>
  readonly occurredAt: number
  readonly settledBy: Split
  readonly included: bigint
  readonly charged: bigint
  /** How many events it adds to its day. */
  readonly events: number
  readonly count: Count | null
}

export interface Grant {
  readonly id: string
  readonly kind: 'promotional' | 'paid'
  readonly origin: 'once' | 'plan' | 'rollover'
  readonly amount: bigint
  readonly priority: number
  expiresAt: number | null
  readonly grantedAt: number
}

export interface Hold {
  readonly id: string
  readonly meter: string | null
  readonly count: Count | null
  readonly dimensions: Readonly<Record<string, string>>
  readonly budgets: readonly string[]
  quantity: bigint
  sparks: bigint
  allowance: bigint
  rated: bigint
  budgeted: bigint
  status: string
  captured: bigint
  expiresAt: number
}

/** A period of a meter in which something was counted. */
export interface Count {
  readonly meter: string
  readonly startsAt: number
  endsAt: number
  /** How long a whole period is, also where this one was cut short. */
  readonly whole: number
  /** The level it began with, for meters of a level. */
  readonly before: bigint
  asOf: number | null
  status: string
  refusals: number
  transitions: number
  isKept: boolean
}

export interface Budget {
  readonly scope: string
  limit: bigint | null
  interval: string
  startsAt: number
  endsAt: number | null
  used: bigint
  status: string
  transitions: number
}

interface Payment {
  readonly id: string
  grantId: string | null
  sparks: bigint
  nanos: bigint
  readonly facts: Map<string, { readonly nanos: bigint; readonly rank: number }>
  reversed: bigint
}

type Result = Readonly<Record<string, unknown>>

/** What a command comes to, as far as the documents say it. */
export type Outcome =
  | { readonly status: 'applied' | 'duplicate'; readonly result: Result }
  | {
      readonly status: 'refused'
      readonly code: string
      readonly reason?: string
      readonly quota?: unknown
      readonly balance?: unknown
    }

export function createModel(rules: LedgerRules): Model {
  return { rules, accounts: new Map(), now: 0 }
}

export function openAccount(model: Model, id: string, plan: string): void {
  model.accounts.set(id, {
    id,
    plan,
    anchor: null,
    zone: 'UTC',
    suspendedFor: null,
    renewsAt: null,
    renewed: 0n,
    currency: null,
    terms: null,
    topUp: null,
    collectors: [],
    rows: [],
    grants: [],
    holds: [],
    counts: [],
    budgets: [],
    payments: [],
    levels: [],
    countedTo: new Map(),
    seen: [],
    keys: new Map(),
    paidBy: null,
    paidPeriods: new Set(),
    lapsed: [],
    told: [],
    sight: new Set(),
  })
}

/** What a batch comes to. */
export function decideBatch(model: Model, commands: readonly LedgerCommand[], now: number): readonly Outcome[] {
  model.now = now
  for (const account of model.accounts.values()) account.sight = inSight(model, account, commands)
  return commands.map((command) => decide(model, command))
}

function decide(model: Model, command: LedgerCommand): Outcome {
  const account = model.accounts.get(command.accountId)
  if (!account) return refuse('not_found')
  if ('dedupe' in command) {
    const known = account.keys.get(command.dedupe)
    if (known?.fingerprint === command.fingerprint) return { status: 'duplicate', result: known.result }
    if (known) return refuse('idempotency_conflict')
  }
  const context = { model, account, now: model.now, cause: command.id }
  const swept = sweep(context)
  const outcome = decideKind(context, command, swept)
  askForTopUp(context)
  if (outcome.status === 'applied' && 'dedupe' in command)
    account.keys.set(command.dedupe, { fingerprint: command.fingerprint, result: outcome.result })
  return outcome
}

interface Context {
  readonly model: Model
  readonly account: Account
  readonly now: number
  readonly cause: string
}

function decideKind(context: Context, command: LedgerCommand, swept: number): Outcome {
  switch (command.kind) {
    case 'usage':
      return usage(context, command)
    case 'amend':
      return amend(context, command)
    case 'authorize':
      return authorize(context, command)
    case 'hold':
      return hold(context, command)
    case 'extend':
      return extend(context, command)
    case 'capture':
      return capture(context, command)
    case 'release':
      return release(context, command)
    case 'grant':
      return grant(context, command)
    case 'adjust':
      return adjust(context, command)
    case 'expire_grant':
      return expireGrant(context, command)
    case 'reverse_payment':
      return reversePayment(context, command)
    case 'expire':
      return apply({ kind: 'expire', expired: swept + countLevels(context) })
    case 'change_plan':
      return changePlan(context, command)
    case 'change_terms':
      return changeTerms(context, command)
    case 'set_budget':
      return setBudget(context, command)
    case 'raise_budget':
      return raiseBudget(context, command)
    case 'suspend':
    case 'resume':
      return suspend(context, command)
  }
}

function apply(result: Result): Outcome {
  return { status: 'applied', result }
}

function refuse(code: string): Outcome {
  return { status: 'refused', code }
}

// What there is, counted from what happened.

export function balanceOf({ rows }: Account): bigint {
  return rows.reduce((sum, { amount }) => sum + amount, 0n)
}

function openHolds({ holds }: Account): readonly Hold[] {
  return holds.filter(({ status }) => status === 'open')
}

export function heldOf(account: Account): bigint {
  return openHolds(account).reduce((sum, { sparks }) => sum + sparks, 0n)
}

export function balances(account: Account) {
  const [balance, held] = [balanceOf(account), heldOf(account)]
  return { balance, held, available: balance - held, debt: balance < 0n ? -balance : 0n }
}

export function remainingOf({ rows }: Account, { id }: Grant): bigint {
  let left = 0n
  for (const { burns } of rows) for (const { grantId, amount } of burns) if (grantId === id) left -= amount
  return left
}

/** Grants with something left, in the order in which they burn. */
export function openGrants(account: Account): readonly { readonly grant: Grant; readonly left: bigint }[] {
  return account.grants
    .map((grant) => ({ grant, left: remainingOf(account, grant) }))
    .filter(({ left }) => left > 0n)
    .sort(({ grant: a }, { grant: b }) => {
      const keys = (one: Grant) => [one.kind === 'paid' ? 1 : 0, one.expiresAt ?? Infinity, one.priority, one.grantedAt]
      const [left, right] = [keys(a), keys(b)]
      const at = left.findIndex((value, index) => value !== right[index])
      return at < 0 ? (a.id < b.id ? -1 : 1) : (left[at] ?? 0) - (right[at] ?? 0)
    })
}

function rowsIn({ rows }: Account, count: Count): readonly Used[] {
  return rows.flatMap(({ usage: used }) => (used?.count === count ? [used] : []))
}

export function numbersOf(account: Account, count: Count) {
  const rows = rowsIn(account, count)
  const holds = openHolds(account).filter((each) => each.count === count)
  const sum = (of: (used: Used) => bigint) => rows.reduce((total, used) => total + of(used), 0n)
  return {
    used: count.before + sum(({ quantity }) => quantity),
    allowance: sum(({ included }) => included),
    rated: sum(({ sparks }) => sparks),
    overage: sum(({ settledBy }) => collectedOf(settledBy)),
    held: holds.reduce((total, { quantity }) => total + quantity, 0n),
    heldAllowance: holds.reduce((total, { allowance }) => total + allowance, 0n),
  }
}

function collectedOf(split: Split): bigint {
  return Object.entries(split).reduce((sum, [name, part]) => (name.startsWith('meter:') ? sum + part : sum), 0n)
}

function usedOf(account: Account, count: Count): bigint {
  return numbersOf(account, count).used
}

function tell({ account }: Context, type: string): void {
  account.told.push(type)
}

// Periods.

const known = new Map<string, Period[]>()

function periodOf(at: number, cycle: Cycle): Period {
  const name = `${cycle.anchor}|${cycle.zone}|${cycle.interval}`
  const periods = known.get(name) ?? []
  known.set(name, periods)
  const found = periods.find(({ startsAt, endsAt }) => startsAt <= at && at < endsAt)
  if (found) return found
  const [period] = periodsBetween(at, at + 1, cycle)
  if (!period) throw new Error('a moment lies in no period')
  periods.push(period)
  return period
}

/** By the calendar of the account's zone, or from its anchor in UTC. */
function monthOf({ anchor, zone }: Pick<Account, 'anchor' | 'zone'>, at: number): Period {
  return periodOf(at, { anchor, zone: anchor === null ? zone : 'UTC', interval: 'month' })
}

function aggregationOf({ rules }: Model, meter: string) {
  return rules.catalog.meters.get(meter)?.aggregation ?? 'sum'
}

/** The count that a moment falls in; a new one lies between those that are there, and is kept when something is counted in it. */
function countAt({ model, account }: Context, meter: string, at: number): Count {
  const all = countsOf(account, meter)
  const found = all.filter((each) => each.startsAt <= at && at < each.endsAt).at(-1)
  if (found) return found
  const before = all.filter(({ endsAt }) => endsAt <= at).at(-1)
  const after = all.find(({ startsAt }) => startsAt > at)
  const month = monthOf(account, at)
  const made: Count = {
    meter,
    startsAt: before && before.endsAt > month.startsAt ? before.endsAt : month.startsAt,
    endsAt: after && after.startsAt < month.endsAt ? after.startsAt : month.endsAt,
    whole: month.endsAt - month.startsAt,
    before: before && aggregationOf(model, meter) === 'level' ? usedOf(account, before) : 0n,
    asOf: before?.asOf ?? null,
    status: '',
    refusals: 0,
    transitions: 0,
    isKept: false,
  }
  made.status = statusOf(model, account, made, made.before)
  return made
}

function countsOf({ counts }: Account, meter: string): readonly Count[] {
  return counts.filter((each) => each.meter === meter).sort((a, b) => a.startsAt - b.startsAt)
}

function isCurrent({ startsAt, endsAt }: Count, now: number): boolean {
  return startsAt <= now && now < endsAt
}

/** Keeps a count; the first of its period that is not over tells that the one before it is, when there was something to tell. */
function keep(context: Context, count: Count): void {
  context.account.sight.add(count)
  if (count.isKept) return
  count.isKept = true
  const before = countsOf(context.account, count.meter)
    .filter(({ endsAt }) => endsAt <= count.startsAt)
    .at(-1)
  context.account.counts.push(count)
  if (count.endsAt > context.now && before && before.status !== 'below_quota') tell(context, 'quota.reset')
}

/** Which counts the commands of a batch are about. */
function inSight(model: Model, account: Account, commands: readonly LedgerCommand[]): Set<Count> {
  const { now } = model
  const sight = new Set<Count>()
  const around = (meter: string, at: number) => {
    const all = countsOf(account, meter)
    const found = all.filter((each) => each.startsAt <= at && at < each.endsAt).at(-1)
    const beside = [all.filter(({ endsAt }) => endsAt <= at).at(-1), all.find(({ startsAt }) => startsAt > at)]
    for (const each of found ? [found] : beside) if (each) sight.add(each)
    if (aggregationOf(model, meter) === 'time_weighted') for (const each of all) if (each.endsAt > at) sight.add(each)
  }
  const present = () => {
    for (const each of account.counts) if (isCurrent(each, now)) sight.add(each)
  }
  const ofHold = (id: string) => {
    const count = account.holds.find((each) => each.id === id)?.count
    if (count) sight.add(count)
  }
  for (const command of commands) {
    if (command.accountId !== account.id) continue
    for (const { expiresAt, count } of openHolds(account)) if (count && expiresAt <= now) sight.add(count)
    switch (command.kind) {
      case 'usage':
        around(command.usage.meter, command.occurredAt ?? now)
        if (command.holdId === null) break
        ofHold(command.holdId)
        present()
        break
      case 'authorize':
        around(command.usage.meter, now)
        break
      case 'hold':
        if (command.usage.meter !== null) around(command.usage.meter, now)
        break
      case 'extend':
        ofHold(command.holdId)
        break
      case 'capture':
      case 'release':
        ofHold(command.holdId)
        present()
        break
      case 'set_budget':
      case 'raise_budget':
      case 'expire_grant':
      case 'reverse_payment':
        break
      default:
        present()
    }
  }
  return sight
}

// Quotas.

function entitlementOf({ rules }: Model, { plan, terms }: Account, meter: string): Entitlement | undefined {
  const granted = rules.catalog.plans.get(plan)?.entitlements.get(meter)
  const agreed = terms?.entitlements[meter]
  return agreed === undefined ? granted : { included: 0n, limit: null, ...granted, ...agreed }
}

function limitOf(model: Model, account: Account, meter: string): bigint | null {
  const { included = 0n, limit = null } = entitlementOf(model, account, meter) ?? {}
  if (limit !== null) return limit
  return included === 'unlimited' || included === 0n ? null : included
}

function statusOf(model: Model, account: Account, { meter }: Count, used: bigint): string {
  const limit = limitOf(model, account, meter)
  if (limit === null) return 'below_quota'
  if (used >= limit) return 'at_quota'
  return used * 100n > limit * 80n ? 'near_quota' : 'below_quota'
}

export function quotaOf(model: Model, account: Account, count: Count) {
  const { used, held } = numbersOf(account, count)
  const limit = limitOf(model, account, count.meter)
  const left = limit === null ? null : limit - used - held
  return {
    meter: count.meter,
    status: count.status,
    used,
    held,
    limit,
    remaining: left === null ? null : left < 0n ? 0n : left,
    periodStartsAt: count.startsAt,
    resetsAt: count.endsAt,
  }
}

const order = ['below_quota', 'near_quota', 'at_quota']

function told(context: Context, count: Count, type: string): void {
  count.transitions += 1
  tell(context, `quota.${type}`)
}

/** Use has grown: thresholds that were passed are told in order, under a throttle too, which only a request lifts. */
function grown(context: Context, count: Count, before: bigint): void {
  const { model, account } = context
  const from = count.status === 'throttled' ? statusOf(model, account, count, before) : count.status
  const to = statusOf(model, account, count, usedOf(account, count))
  if (order.indexOf(to) <= order.indexOf(from)) return
  if (from === 'below_quota') told(context, count, 'near')
  if (to === 'at_quota') told(context, count, 'reached')
  if (count.status !== 'throttled') count.status = to
}

function lift(context: Context, count: Count, used: bigint): void {
  if (count.status !== 'throttled') return
  count.status = statusOf(context.model, context.account, count, used)
  told(context, count, 'restored')
}

/** What is covered again is let go, and other terms are noticed. */
function recheck(context: Context, count: Count, covered: boolean): void {
  const { model, account } = context
  const used = usedOf(account, count)
  if (count.status === 'throttled') {
    if (covered) lift(context, count, used)
    return
  }
  const to = statusOf(model, account, count, used)
  if (order.indexOf(to) > order.indexOf(count.status)) grown(context, count, used)
  else count.status = to
}

function recheckAll(context: Context): void {
  for (const count of context.account.sight)
    if (count.isKept && isCurrent(count, context.now)) recheck(context, count, coversOne(context, count))
}

function coversOne(context: Context, count: Count): boolean {
  return cover(context, count, { quantity: 1n, sparks: 1n, isStrict: true, budgets: [] }).gate === null
}

// Who pays.

interface Part {
  readonly count: Count | null
  readonly budgets: readonly string[]
  readonly quantity: bigint
  readonly sparks: bigint
  readonly allowance: bigint
  readonly rated: bigint
  readonly budgeted: bigint
}

interface Request {
  readonly quantity: bigint
  readonly sparks: bigint
  readonly isNet?: boolean
  readonly isStrict: boolean
  readonly budgets: readonly string[]
  /** What of a hold it settles. */
  readonly part?: Part | undefined
  /** When it happened; now, if it has not. */
  readonly at?: number
  /** What is given back already. */
  readonly givenBack?: Split
}

interface Cover {
  readonly gate: string | null
  readonly source: string
  readonly units: bigint
  readonly split: Split
}

const least = (a: bigint, b: bigint) => (a < b ? a : b)
const positive = (a: bigint) => (a > 0n ? a : 0n)

/** The gates: suspended, budgets, limit, own keys or no limit, what the plan gives, credits, what is collected afterwards, nothing. */
function cover(context: Context, count: Count | null, request: Request): Cover {
  const { model, account } = context
  const { quantity, sparks, part, isStrict } = request
  const plan = model.rules.catalog.plans.get(account.plan)
  const entitlement = count ? entitlementOf(model, account, count.meter) : undefined
  const numbers = count
    ? numbersOf(account, count)
    : { used: 0n, held: 0n, allowance: 0n, heldAllowance: 0n, overage: 0n }
  const isOwnCount = part?.count === count
  const heldUnits = numbers.held - (part && isOwnCount ? part.quantity : 0n)
  const limit = entitlement?.limit ?? null
  const isOver = count !== null && limit !== null && quantity >= 0n && numbers.used + heldUnits + quantity > limit
  const first = account.suspendedFor !== null ? 'suspended' : isOver ? 'quota_exceeded' : null
  if (plan?.byo && count) return { gate: first, source: 'byo', units: 0n, split: { byo: sparks } }
  const units = includedIn(context, count, quantity, isOwnCount ? part : undefined)
  if (entitlement?.included === 'unlimited')
    return { gate: first, source: 'unlimited', units, split: { allowance: sparks } }
  const charged = units === 0n || request.isNet ? sparks : nearest(sparks * (quantity - units), quantity)
  if (charged < 0n) {
    const { givenBack: back = {} } = request
    const overage = least(-charged, numbers.overage + collectedOf(back))
    const owed = least(-charged - overage, positive((back.credits ?? 0n) + (back.debt ?? 0n) - balanceOf(account)))
    const split = {
      [`meter:${collectorOf(context, request.at ?? context.now)}`]: -overage,
      debt: -owed,
      credits: charged + overage + owed,
    }
    return { gate: first, source: 'credits', units, split }
  }
  const gate =
    account.suspendedFor === null && charged > 0n && isOverBudget(context, request, charged) ? 'budget_exceeded' : first
  const available = positive(balanceOf(account) - (heldOf(account) - (part?.sparks ?? 0n)))
  const credits = least(charged, available)
  const rest = charged - credits
  const given = { allowance: sparks - charged }
  if (rest === 0n) {
    return {
      gate,
      source: charged === 0n && sparks > 0n ? 'allowance' : 'credits',
      units,
      split: { ...given, credits },
    }
  }
  const collector = collectorOf(context, request.at ?? context.now)
  if (plan?.overage && collector !== null && count) {
    const split = { ...given, credits, [`meter:${collector}`]: rest }
    return { gate, source: 'overage', units, split }
  }
  const taken = isStrict ? credits : least(charged, positive(balanceOf(account)))
  const split = { ...given, credits: taken, debt: charged - taken }
  return { gate: gate ?? 'insufficient_credits', source: 'credits', units, split }
}

/** What the plan still gives: no unit twice, and none that an open hold has. */
function includedIn({ model, account }: Context, count: Count | null, quantity: bigint, part?: Part): bigint {
  if (!count || quantity < 0n) return 0n
  const { included = 0n } = entitlementOf(model, account, count.meter) ?? {}
  if (included === 'unlimited') return quantity
  const { allowance, heldAllowance } = numbersOf(account, count)
  return least(quantity, positive(included - allowance - heldAllowance + (part?.allowance ?? 0n)))
}

function chargedOf(split: Split): bigint {
  return (split.credits ?? 0n) + (split.debt ?? 0n) + collectedOf(split)
}

function withoutZeros(split: Split): Split {
  return Object.fromEntries(Object.entries(split).filter(([, part]) => part !== 0n))
}

// Prices.

function rateOf({ model, account }: Context, meter: string) {
  const agreed = account.terms?.rates[meter]
  return { agreed, rate: agreed ?? model.rules.catalog.meters.get(meter)?.rate ?? null }
}

function isOfPeriod(rate: { readonly mode: string } | null): boolean {
  return rate !== null && ['package', 'graduated', 'volume'].includes(rate.mode)
}

interface Measured {
  readonly quantity: bigint
  readonly sparks: bigint
  readonly isNet: boolean
}

interface Reported {
  readonly quantity: bigint
  readonly sparks: bigint
  readonly dimensions: Readonly<Record<string, string>>
}

function measure(context: Context, count: Count, reported: Reported, at: number, part?: Part): Measured {
  const { model, account } = context
  const { quantity } = reported
  const { used } = numbersOf(account, count)
  switch (aggregationOf(model, count.meter)) {
    case 'max':
      return priced(context, count, positive(quantity - used), reported, true, part)
    case 'unique': {
      const name = model.rules.catalog.meters.get(count.meter)?.countedBy ?? ''
      const value = reported.dimensions[name] ?? ''
      const isSeen = account.seen.some((each) => each.count === count && each.value === value)
      return priced(context, count, isSeen ? 0n : 1_000_000n, reported, true, part)
    }
    case 'level':
      return { quantity: count.asOf !== null && at < count.asOf ? 0n : quantity - used, sparks: 0n, isNet: false }
    case 'time_weighted':
      return { quantity: 0n, sparks: 0n, isNet: false }
    default:
      return priced(context, count, quantity, reported, false, part)
  }
}

function priced(
  context: Context,
  count: Count,
  quantity: bigint,
  reported: Reported,
  isOwn: boolean,
  part?: Part,
): Measured {
  const { agreed, rate } = rateOf(context, count.meter)
  if (!rate) return { quantity, sparks: 0n, isNet: false }
  if (!isOwn && !isOfPeriod(rate)) {
    return { quantity, sparks: agreed ? priceOf(agreed, quantity) : reported.sparks, isNet: false }
  }
  const { used, allowance } = numbersOf(context.account, count)
  const before = used - allowance
  const isByo = context.model.rules.catalog.plans.get(context.account.plan)?.byo ?? false
  const units = quantity - (isByo ? 0n : includedIn(context, count, quantity, part?.count === count ? part : undefined))
  return { quantity, sparks: priceOf(rate, before + units) - priceOf(rate, before), isNet: true }
}

/** Of a price that depends on the total, the most it may come to whatever becomes of what is reserved. */
function pricedBeyond(context: Context, count: Count, reported: Reported): Measured {
  const measured = measure(context, count, reported, context.now)
  const { rate } = rateOf(context, count.meter)
  if (!rate || !isOfPeriod(rate)) return { ...measured, sparks: positive(measured.sparks) }
  const { used, allowance, held, heldAllowance } = numbersOf(context.account, count)
  const isByo = context.model.rules.catalog.plans.get(context.account.plan)?.byo ?? false
  const units = measured.quantity - (isByo ? 0n : includedIn(context, count, measured.quantity))
  const from = used - allowance
  return { ...measured, sparks: dearestOf(rate, from, from + held - heldAllowance, units) }
}

// Rows.

interface Posting extends Pick<Row, 'operation' | 'amount'> {
  readonly id?: string
  readonly corrects?: string
  readonly usage?: Used
  readonly takesFirst?: string
  readonly opens?: Burn
  readonly givesBack?: readonly Burn[]
}

function post(context: Context, posting: Posting): void {
  const { account, now } = context
  const id = posting.id ?? context.cause
  const burns = posting.amount < 0n ? burn(account, posting) : credit(context, id, posting)
  const { operation, amount, corrects = null, usage: used = null } = posting
  account.rows.push({ id, operation, amount, burns, corrects, at: now, plan: account.plan, usage: used, told: {} })
  const row = account.rows.at(-1)
  if (row?.usage) Object.assign(row, { told: toldOf(context, row, row.usage) })
}

/** Of plans with overage what is collected, of others everything; of corrections what was told of the row they correct. */
function toldOf(context: Context, row: Row, { settledBy, sparks, occurredAt }: Used): Split {
  const { model, account } = context
  const { metering, catalog } = model.rules
  const collector = collectorOf(context, occurredAt)
  const corrected = account.rows.find(({ id }) => id === row.corrects)
  const first = corrected?.usage
  const isPostpaid = catalog.plans.get(account.plan)?.overage ?? false
  const isPartOf = ({ id, corrects }: Row) => id === row.corrects || corrects === row.corrects
  const wasPostpaid = (used: Used) =>
    account.rows.filter(isPartOf).some((each) => collectedNames(each.usage?.settledBy ?? {}).length > 0) ||
    (used.sparks === 0n ? isPostpaid : Object.keys(corrected?.told ?? {}).length === 0)
  const isCollected = first ? wasPostpaid(first) : isPostpaid
  const all = isCollected ? collectedOf(settledBy) : sparks
  const told: Record<string, bigint> = {}
  for (const provider of metering) {
    const own = isCollected ? (settledBy[`meter:${provider}`] ?? 0n) : provider === collector ? sparks : 0n
    if (own !== 0n) told[provider] = own
    if (all !== own) told[`shadow:${provider}`] = all - own
  }
  return told
}

function collectedNames(split: Split): readonly string[] {
  return Object.keys(split).filter((part) => part.startsWith('meter:'))
}

/** Who collects what is used at a moment: the first that was configured, until another one began to. */
function collectorOf({ model, account }: Context, at: number): string | null {
  const begun = account.collectors.filter(({ from }) => from <= at)
  return (begun.at(-1) ?? account.collectors[0])?.provider ?? model.rules.collecting
}

function keepCollector({ model, account }: Context): void {
  const provider = model.rules.collecting
  if (account.collectors.length === 0 && provider !== null) account.collectors = [{ provider, from: 0 }]
}

function nextPeriodOf({ account, now }: Context): number {
  const current = account.counts.filter((count) => count.isKept && isCurrent(count, now))
  return Math.max(monthOf(account, now).endsAt, ...current.map(({ endsAt }) => endsAt))
}

function planAgain(context: Context): void {
  const from = nextPeriodOf(context)
  const { account, now } = context
  account.collectors = account.collectors.map((each) => (each.from > now ? { ...each, from } : each))
}

/** Whoever has a new subscription collects at once; one that ended is followed by who is configured. */
function collectWith(context: Context, source: string | undefined, provider: string | undefined): void {
  const { model, account, now } = context
  planAgain(context)
  const { paidBy } = account
  const present = collectorOf(context, now)
  const isNew = paidBy !== null && paidBy.source !== source && model.rules.metering.includes(paidBy.provider)
  const hasEnded = paidBy === null && source !== undefined && present === provider
  const next = isNew ? paidBy.provider : hasEnded ? model.rules.collecting : present
  if (next === present || next === null) return
  const from = account.collectors.length === 0 ? 0 : now
  account.collectors = [
    ...account.collectors.filter((each) => each.from < from),
    { provider: next, from },
    ...account.collectors.filter((each) => each.from > now && each.provider !== next),
  ]
}

function burn(account: Account, { amount, takesFirst }: Posting): readonly Burn[] {
  let left = least(-amount, positive(balanceOf(account)))
  const open = openGrants(account)
  const inOrder = [
    ...open.filter(({ grant: { id } }) => id === takesFirst),
    ...open.filter(({ grant: { id } }) => id !== takesFirst),
  ]
  return inOrder.flatMap(({ grant: { id }, left: there }) => {
    const taken = least(left, there)
    left -= taken
    return taken > 0n ? [{ grantId: id, amount: taken }] : []
  })
}

function credit(context: Context, id: string, { amount, opens, givesBack }: Posting): readonly Burn[] {
  if (opens) return [opens]
  if (!givesBack) return []
  let left = positive(amount - positive(-balanceOf(context.account)))
  const back: Burn[] = []
  for (const { grantId, amount: taken } of [...givesBack].reverse()) {
    const part = least(taken, left)
    left -= part
    if (part > 0n) back.push({ grantId, amount: -part })
  }
  if (left > 0n) {
    const grantId = `grt_${id}`
    const terms = { kind: 'paid', origin: 'once', priority: 0, expiresAt: null, grantedAt: context.now } as const
    context.account.grants.push({ id: grantId, amount: left, ...terms })
    back.push({ grantId, amount: -left })
  }
  return back
}

function addCredits(context: Context, grant: Omit<Grant, 'grantedAt'>, operation: string): void {
  const { account, now } = context
  const debt = positive(-balanceOf(account))
  account.grants.push({ ...grant, grantedAt: now })
  const opens = { grantId: grant.id, amount: -positive(grant.amount - debt) }
  const id = operation === 'renew' ? `ent_${grant.id}` : context.cause
  post(context, { operation, id, amount: grant.amount, opens })
  if (account.topUp) account.topUp = { ...account.topUp, isPending: false }
  tell(context, 'credit.granted')
}

function entryOf(context: Context, amount: bigint): Outcome {
  return apply({ kind: 'entry', id: context.cause, amount, balance: balances(context.account) })
}

// What happens by itself.

function sweep(context: Context): number {
  const { account, now } = context
  const over = openHolds(account).filter(({ expiresAt }) => expiresAt <= now)
  for (const each of over) {
    each.status = 'expired'
    touchBudgets(context, each)
    tell(context, 'hold.expired')
  }
  const carried = carriedOver(context)
  const ended = endGrants(context, 0n)
  const given = carried === null ? 0 : renew(context, carried)
  const late = given > 0 ? endGrants(context, 0n) : 0
  if (over.length + given > 0) recheckAll(context)
  return over.length + ended + given + late
}

/** What of each grant is over: all that is left of it but what open holds have and nothing else covers. */
function overdue({ account, now }: Context, wanted: bigint) {
  const open = openGrants(account)
  const due = open.filter(({ grant: { expiresAt } }) => expiresAt !== null && expiresAt <= now)
  const sum = (list: typeof open) => list.reduce((total, { left }) => total + left, 0n)
  let free = least(sum(open) - heldOf(account) - wanted, sum(due))
  return due.flatMap(({ grant, left }) => {
    const amount = least(left, positive(free))
    free -= amount
    return amount > 0n ? [{ grant, amount }] : []
  })
}

function endGrants(context: Context, wanted: bigint): number {
  const over = overdue(context, wanted)
  for (const { grant, amount } of over) {
    const { id } = grant
    context.account.lapsed.push({ grant, amount })
    post(context, { operation: 'expire', id: `ent_${id}`, amount: -amount, takesFirst: id })
    tell(context, 'credit.expired')
  }
  return over.length
}

function recurring({ model, account }: Context) {
  return model.rules.catalog.plans.get(account.plan)?.credits ?? null
}

function carriedOver(context: Context): bigint | null {
  const { account, now } = context
  if (account.renewsAt !== null && now < account.renewsAt) return null
  if (account.paidBy) {
    if (account.renewsAt !== null) Object.assign(account, { renewsAt: monthOf(account, now).endsAt, renewed: 0n })
    return null
  }
  const credits = recurring(context)
  if (!credits) {
    if (account.renewsAt !== null) Object.assign(account, { renewsAt: null, renewed: 0n })
    return null
  }
  const left = overdue(context, 0n).filter(({ grant: { origin } }) => origin !== 'once')
  let carried = least(
    left.reduce((sum, { amount }) => sum + amount, 0n),
    credits.rollover,
  )
  if (account.renewsAt === null) return carried
  for (
    let missed = monthOf(account, account.renewsAt);
    missed.endsAt <= now;
    missed = monthOf(account, missed.endsAt)
  ) {
    carried = least(carried + credits.sparks, credits.rollover)
    if (carried === credits.rollover) break
  }
  return carried
}

function renew(context: Context, carried: bigint): number {
  const { account, now } = context
  const credits = recurring(context)
  if (!credits) return 0
  const { endsAt } = monthOf(account, now)
  Object.assign(account, { renewsAt: endsAt, renewed: credits.sparks })
  if (carried > 0n) give(context, 'rollover', carried, endsAt)
  give(context, 'plan', credits.sparks, endsAt)
  return carried > 0n ? 2 : 1
}

function topUpRenewal(context: Context): void {
  const { account } = context
  const credits = recurring(context)
  if (!credits || account.paidBy) return
  if (account.renewsAt === null) renew(context, 0n)
  else if (credits.sparks > account.renewed) {
    give(context, 'plan', credits.sparks - account.renewed, account.renewsAt)
    account.renewed = credits.sparks
  }
}

function give(context: Context, origin: 'plan' | 'rollover', amount: bigint, expiresAt: number): void {
  const name = `grt_${origin}.${context.cause}.${context.now.toString(36)}`
  const same = context.account.grants.filter(({ id }) => id === name || id.startsWith(`${name}.`)).length
  const id = same === 0 ? name : `${name}.${same + 1}`
  addCredits(context, { id, kind: 'promotional', origin, amount, priority: 0, expiresAt }, 'renew')
}

function askForTopUp(context: Context): void {
  const { account, now } = context
  const { topUp } = account
  if (!topUp || account.suspendedFor !== null || balances(account).available >= topUp.threshold) return
  const askedAt = topUp.askedAt.filter((at) => at > now - 86_400_000)
  const isWaiting = topUp.isPending && askedAt.some((at) => at > now - 3_600_000)
  if (isWaiting || askedAt.length >= topUp.maximumPerDay) return
  account.topUp = { ...topUp, askedAt: [...askedAt, now], isPending: true }
  tell(context, 'top_up.due')
}

// Budgets.

function currentBudget({ account, now }: Context, budget: Budget): Budget {
  if (budget.endsAt === null || now < budget.endsAt) return budget
  const interval = budget.interval as 'day'
  return { ...budget, ...periodOf(now, { anchor: null, zone: account.zone, interval }), used: 0n, status: 'below' }
}

export function budgetsNow(context: Context, scopes?: readonly string[]): readonly Budget[] {
  const named = context.account.budgets.filter(({ scope }) => scopes?.includes(scope) ?? true)
  return named.map((budget) => currentBudget(context, budget))
}

export function heldOfBudget(account: Account, scope: string): bigint {
  return openHolds(account).reduce((sum, { budgets, budgeted }) => sum + (budgets.includes(scope) ? budgeted : 0n), 0n)
}

function isOverBudget(context: Context, { budgets, part }: Request, charged: bigint): boolean {
  return budgetsNow(context, budgets).some(({ scope, limit, used }) => {
    const own = part?.budgets.includes(scope) ? part.budgeted : 0n
    return limit !== null && used + heldOfBudget(context.account, scope) - own + charged > limit
  })
}

function keepBudget({ account }: Context, budget: Budget): void {
  const at = account.budgets.findIndex(({ scope }) => scope === budget.scope)
  if (at < 0) account.budgets.push(budget)
  else account.budgets[at] = budget
}

/** What changes what is reserved of a budget begins its new period, if one has begun. */
function touchBudgets(context: Context, { budgets, budgeted }: Pick<Hold, 'budgets' | 'budgeted'>): void {
  if (budgeted !== 0n) for (const budget of budgetsNow(context, budgets)) keepBudget(context, budget)
}

function charge(context: Context, scopes: readonly string[], charged: bigint): void {
  if (charged === 0n) return
  for (const budget of budgetsNow(context, scopes)) {
    const used = positive(budget.used + charged)
    const { limit } = budget
    if (limit === null) {
      keepBudget(context, { ...budget, used })
      continue
    }
    const status = budgetStatus(used, limit)
    const ranks = ['below', 'near', 'reached']
    const passed = ranks.slice(ranks.indexOf(budget.status) + 1, ranks.indexOf(status) + 1)
    for (const each of passed) tell(context, `budget.${each}`)
    keepBudget(context, { ...budget, used, status, transitions: budget.transitions + passed.length })
  }
}

function budgetStatus(used: bigint, limit: bigint): string {
  if (used >= limit) return 'reached'
  return used * 100n > limit * 80n ? 'near' : 'below'
}

function raiseBudget(context: Context, { scope, amount }: RaiseBudgetCommand): Outcome {
  const [before] = budgetsNow(context, [scope])
  if (before && before.limit !== null) {
    const limit = [before.limit + amount, 2n ** 63n - 1n].reduce((a, b) => (a < b ? a : b))
    keepBudget(context, { ...before, limit, status: budgetStatus(before.used, limit) })
  }
  post(context, { operation: 'set_budget', amount: 0n })
  return entryOf(context, 0n)
}

function setBudget(context: Context, { scope, limit, interval }: SetBudgetCommand): Outcome {
  const { account, now } = context
  const [before] = budgetsNow(context, [scope])
  const period =
    interval === 'never' ? { startsAt: 0, endsAt: null } : periodOf(now, { anchor: null, zone: account.zone, interval })
  const used = before?.interval === interval && before.startsAt === period.startsAt ? before.used : 0n
  const status = limit === null ? 'below' : budgetStatus(used, limit)
  keepBudget(context, { scope, limit, interval, ...period, used, status, transitions: before?.transitions ?? 0 })
  post(context, { operation: 'set_budget', amount: 0n })
  return entryOf(context, 0n)
}

// Usage.

function usage(context: Context, command: UsageCommand): Outcome {
  const { model, account, now } = context
  const { usage: reported } = command
  const held = account.holds.find(({ id }) => id === command.holdId)
  if (command.holdId !== null) {
    if (!held) return refuse('not_found')
    if (held.status !== 'open') return refuse('invalid_state')
    if (held.meter !== reported.meter) return refuse('invalid_request')
  }
  const aggregation = aggregationOf(model, reported.meter)
  const isLevel = aggregation === 'level' || aggregation === 'time_weighted'
  const said = command.occurredAt ?? now
  const at = isLevel && said > now ? now : said
  if (aggregation === 'time_weighted') return setLevel(context, command, at)
  const isOfHold = command.occurredAt === null && !command.keepsHold
  const count = (isOfHold ? held?.count : null) ?? countAt(context, reported.meter, at)
  const own = held && (command.keepsHold ? partOf(held, { quantity: reported.quantity, sparks: 0n }) : held)
  const measured = measure(context, count, reported, at, own)
  const paid = payable(command.onExcess, measured, held)
  if (!paid) return refuse('amount_out_of_range')
  const fact: Fact = { id: command.id, operation: 'usage', command, count, at, measured, paid, held }
  const outcome = settle(context, fact)
  if (outcome.status !== 'applied') return outcome
  if (aggregation === 'unique') {
    const name = model.rules.catalog.meters.get(reported.meter)?.countedBy ?? ''
    account.seen.push({ value: reported.dimensions[name] ?? '', count })
  }
  if (aggregation === 'level' && (count.asOf === null || at >= count.asOf)) count.asOf = at
  return outcome
}

function payable(onExcess: ExcessPolicy, { quantity, sparks }: Measured, held: Hold | undefined) {
  if (!held || onExcess === 'debt') return { quantity, sparks, writtenOff: 0n }
  const isMore = held.quantity > 0n && quantity > held.quantity
  if (onExcess === 'refuse') return isMore || sparks > held.rated ? null : { quantity, sparks, writtenOff: 0n }
  if (sparks <= held.rated) return { quantity, sparks, writtenOff: 0n }
  return { quantity: isMore ? held.quantity : quantity, sparks: held.rated, writtenOff: sparks - held.rated }
}

interface Fact {
  readonly id: string
  readonly operation: 'usage' | 'accrue'
  readonly command: Pick<UsageCommand, 'usage' | 'budgets'> &
    Partial<Pick<UsageCommand, 'onInsufficient' | 'keepsHold'>>
  readonly count: Count
  readonly at: number
  readonly measured: Measured & { readonly returned?: bigint }
  readonly paid: { readonly quantity: bigint; readonly sparks: bigint; readonly writtenOff: bigint }
  readonly held: Hold | undefined
}

function settle(context: Context, { id, operation, command, count, at, measured, paid, held }: Fact): Outcome {
  const { model, account } = context
  const isStrict = command.onInsufficient === 'refuse'
  const keepsHold = command.keepsHold ?? false
  const part: Part | undefined = held && (keepsHold ? partOf(held, paid) : { ...held })
  const scopes = [...new Set([...command.budgets, ...(held?.budgets ?? [])])]
  const { quantity, sparks, isNet } = measured
  const covered = cover(context, count, { ...paid, isNet, isStrict, budgets: scopes, part, at })
  if (isStrict && covered.gate !== null) return refuseUsage(context, count, covered.gate)
  const settledBy = withoutZeros({ ...covered.split, written_off: paid.writtenOff })
  const charged = chargedOf(covered.split)
  const taken = (settledBy.credits ?? 0n) + (settledBy.debt ?? 0n)
  const before = usedOf(account, count)
  const isCovered = quantity < 0n && coversOne(context, count)
  if (held && part) {
    touchBudgets(context, part)
    if (keepsHold) shrink(held, part, taken)
    else Object.assign(held, { status: 'captured', captured: held.captured + taken })
    endGrants(context, taken)
  }
  const { meter, costUsd, provider, model: name, dimensions } = command.usage
  const events = operation === 'usage' ? 1 : 0
  const included = covered.units - (measured.returned ?? 0n)
  const used: Used = {
    ...{ meter, quantity, sparks, costUsd, provider, model: name, dimensions, occurredAt: at, settledBy },
    ...{ included, charged, events, count },
  }
  keep(context, count)
  if (isStrict) lift(context, count, before)
  keepCollector(context)
  post(context, { operation, id, amount: -taken, usage: used, givesBack: [] })
  if (quantity < 0n) recheck(context, count, isCovered)
  else grown(context, count, before)
  charge(context, scopes, charged)
  if (held) recheckAll(context)
  return apply({
    kind: 'usage',
    id,
    sparks,
    costUsd,
    settledBy,
    balance: balances(account),
    quota: quotaOf(model, account, count),
  })
}

function partOf(held: Hold, { quantity, sparks }: { readonly quantity: bigint; readonly sparks: bigint }): Part {
  const units = least(held.quantity, quantity)
  const cost = positive(sparks)
  return {
    count: held.count,
    budgets: held.budgets,
    quantity: units,
    allowance: least(held.allowance, units),
    sparks: least(held.sparks, cost),
    rated: least(held.rated, cost),
    budgeted: least(held.budgeted, cost),
  }
}

function shrink(held: Hold, part: Part, taken: bigint): void {
  held.quantity -= part.quantity
  held.allowance -= part.allowance
  held.sparks -= part.sparks
  held.rated -= part.rated
  held.budgeted -= part.budgeted
  held.captured = positive(held.captured + taken)
}

/** A refused request is marked on the quota of its meter, if that has one; not while the account is suspended. */
function refuseUsage(context: Context, count: Count | null, gate: string): Outcome {
  const { model, account } = context
  if (count && gate !== 'suspended' && limitOf(model, account, count.meter) !== null) {
    keep(context, count)
    count.refusals += 1
    if (count.status !== 'throttled') told(context, count, 'throttled')
    count.status = 'throttled'
  }
  const codes: Readonly<Record<string, string>> = {
    suspended: 'invalid_state',
    budget_exceeded: 'quota_exceeded',
    quota_exceeded: 'quota_exceeded',
  }
  return {
    status: 'refused',
    code: codes[gate] ?? 'insufficient_credits',
    reason: gate,
    balance: balances(account),
    quota: count && quotaOf(model, account, count),
  }
}

function authorize(context: Context, { usage: asked, budgets }: AuthorizeCommand): Outcome {
  const { model, account, now } = context
  const count = countAt(context, asked.meter, now)
  const priced = pricedBeyond(context, count, asked)
  const { gate, source } = cover(context, count, { ...priced, isStrict: true, budgets })
  if (gate !== null) return refuseUsage(context, count, gate)
  if (count.status === 'throttled') lift(context, count, usedOf(account, count))
  return apply({ kind: 'authorize', source, balance: balances(account), quota: quotaOf(model, account, count) })
}

// Levels that are weighted by time.

/** What levels come to in a period: each times the milliseconds it lasted. */
function areaOf(account: Account, { meter, startsAt, endsAt }: Count): bigint {
  const levels = account.levels.filter((each) => each.meter === meter).sort((a, b) => a.at - b.at)
  const until = account.countedTo.get(meter) ?? 0
  return levels.reduce((area, { at, value }, index) => {
    const from = Math.max(at, startsAt)
    const to = Math.min(levels[index + 1]?.at ?? until, until, endsAt)
    return to > from ? area + value * BigInt(to - from) : area
  }, 0n)
}

function gainOf(account: Account, count: Count): bigint {
  return nearest(areaOf(account, count), BigInt(count.whole)) - usedOf(account, count)
}

/** Use of a period that has grown or fallen to what its levels say; what falls below what the plan gave is given no more. */
function remeasure(context: Context, count: Count): Measured & { readonly returned: bigint } {
  const quantity = gainOf(context.account, count)
  const { used, allowance } = numbersOf(context.account, count)
  const { rate } = rateOf(context, count.meter)
  if (quantity >= 0n || !rate)
    return { ...priced(context, count, quantity, { quantity, sparks: 0n, dimensions: {} }, true), returned: 0n }
  const returned = positive(allowance - (used + quantity))
  const units = used - allowance
  return { quantity, sparks: priceOf(rate, units + quantity + returned) - priceOf(rate, units), isNet: true, returned }
}

function setLevel(context: Context, command: UsageCommand, at: number): Outcome {
  const { account, now } = context
  const { meter, quantity: value } = command.usage
  const latest = account.countedTo.get(meter) ?? at
  const next = account.levels
    .filter((each) => each.meter === meter && each.at > at)
    .reduce((first, each) => Math.min(first, each.at), latest)
  const same = account.levels.findIndex((each) => each.meter === meter && each.at === at)
  if (same >= 0) account.levels.splice(same, 1)
  account.levels.push({ meter, at, value })
  countThrough(context, meter, at, Math.min(next, latest))
  countThrough(context, meter, latest, now)
  account.countedTo.set(meter, now)
  const own = countAt(context, meter, at)
  keep(context, own)
  settleOthers(context, meter, own)
  const measured = remeasure(context, own)
  const { usage: reported, budgets } = command
  const happened = { usage: reported, budgets, onInsufficient: 'record' as const }
  const paid = { ...measured, writtenOff: 0n }
  return settle(context, {
    id: command.id,
    operation: 'usage',
    command: happened,
    count: own,
    at,
    measured,
    paid,
    held: undefined,
  })
}

/** Keeps the counts of every period that a stretch of time reaches into, and of its end if that is now. */
function countThrough(context: Context, meter: string, from: number, to: number): void {
  for (let at = from; at < to; ) {
    const count = countAt(context, meter, at)
    keep(context, count)
    at = count.endsAt
  }
  if (to === context.now) keep(context, countAt(context, meter, to))
}

function settleOthers(context: Context, meter: string, own: Count | null): number {
  const { account } = context
  const others = countsOf(account, meter).filter((each) => each !== own && gainOf(account, each) !== 0n)
  for (const count of others) {
    const measured = remeasure(context, count)
    const nothing = { costUsd: null, model: null, provider: null, serviceTier: null, tokens: null, dimensions: {} }
    const level = { meter, quantity: 0n, sparks: 0n, priceVersion: '', ...nothing }
    const id = `use_${context.cause}.${context.now.toString(36)}.${meter}.${count.startsAt}`
    const paid = { ...measured, writtenOff: 0n }
    const command = { usage: level, budgets: [] }
    settle(context, { id, operation: 'accrue', command, count, at: count.startsAt, measured, paid, held: undefined })
  }
  return others.length
}

/** Counts levels through periods that are over. */
function countLevels(context: Context): number {
  const { model, account, now } = context
  let rows = 0
  for (const { name, aggregation } of model.rules.catalog.meters.values()) {
    const until = account.countedTo.get(name)
    const latest = countsOf(account, name).at(-1)
    if (aggregation !== 'time_weighted' || until === undefined || !latest || now < latest.endsAt) continue
    countThrough(context, name, until, now)
    account.countedTo.set(name, now)
    rows += settleOthers(context, name, null)
  }
  return rows
}

// Amended usage.

function amend(context: Context, command: AmendCommand): Outcome {
  const { model, account } = context
  const row = account.rows.find(({ id }) => id === command.entryId)
  if (row?.operation !== 'usage' || !row.usage?.count) return refuse('not_found')
  const rows = [row, ...account.rows.filter(({ corrects }) => corrects === row.id)]
  const events = rows.flatMap(({ usage: used }) => used ?? [])
  const sum = (of: (used: Used) => bigint) => events.reduce((total, used) => total + of(used), 0n)
  const before = { quantity: sum((used) => used.quantity), sparks: sum((used) => used.sparks) }
  if (before.quantity === 0n && before.sparks === 0n && rows.length > 1) return refuse('invalid_state')
  const { meter } = row.usage
  if (!['sum', 'count'].includes(aggregationOf(model, meter))) return refuse('option_unsupported')
  const { count } = row.usage
  const { rate } = command
  const asked = command.usage ?? { quantity: 0n, sparks: 0n, costUsd: null }
  const paidBefore = events.reduce<Split>((total, { settledBy }) => added(total, settledBy), {})
  const isByo = paidBefore.byo !== undefined && paidBefore.byo === before.sparks
  const includedBefore = sum((used) => used.included)
  const own = { units: before.quantity - includedBefore, sparks: before.sparks }
  const isVoid = command.usage === null
  if (isVoid && rate) rateAnew(context, command, row, count, own, rate)
  const extra = positive(asked.quantity - before.quantity)
  const included = least(includedBefore, asked.quantity) + (isByo ? 0n : includedIn(context, count, extra))
  const sparks = isVoid
    ? 0n
    : rate
      ? own.sparks + changeOfTotal(context, count, rate, own, asked.quantity - included)
      : asked.sparks
  const more = sparks - before.sparks

  const chargedBefore = before.sparks - (paidBefore.allowance ?? 0n)
  const wasFree = chargedBefore === 0n && before.sparks > 0n
  const chargedAfter = rate
    ? sparks
    : asked.quantity > 0n
      ? nearest(sparks * (asked.quantity - included), asked.quantity)
      : wasFree
        ? 0n
        : sparks
  const difference = chargedAfter - chargedBefore
  const paid =
    difference >= 0n
      ? cover(context, count, {
          quantity: 0n,
          sparks: difference,
          isStrict: false,
          budgets: [],
          at: row.usage.occurredAt,
        }).split
      : givenBack(context, count, paidBefore, -difference, row.usage.occurredAt)
  const settledBy = withoutZeros(isByo && more >= 0n ? { byo: more } : added(paid, { allowance: more - difference }))
  const taken = (settledBy.credits ?? 0n) + (settledBy.debt ?? 0n)
  const charged = chargedOf(settledBy)
  const costs = events.flatMap(({ costUsd }) => costUsd ?? [])
  const used: Used = {
    ...row.usage,
    quantity: asked.quantity - before.quantity,
    sparks: more,
    costUsd: costOf(asked.costUsd, costs),
    settledBy,
    included: included - includedBefore,
    charged,
    events: command.usage === null ? -1 : 0,
  }
  const usedBefore = usedOf(account, count)
  const isCovered = coversWith(context, count, used)
  keepCollector(context)
  post(context, { operation: 'amend', amount: -taken, usage: used, corrects: row.id, givesBack: netBurns(rows) })
  if (used.quantity < 0n) recheck(context, count, isCovered)
  else grown(context, count, usedBefore)
  const counting = budgetsNow(context, command.budgets).filter(({ startsAt }) => row.at >= startsAt)
  charge(
    context,
    counting.map(({ scope }) => scope),
    charged,
  )
  recheckAll(context)
  tell(context, 'usage.amended')
  return apply({
    kind: 'usage',
    id: context.cause,
    sparks,
    costUsd: asked.costUsd,
    settledBy: withoutZeros(added(paidBefore, settledBy)),
    balance: balances(account),
    quota: quotaOf(model, account, count),
  })
}

/** What an event that becomes so many units changes; of a period with several prices, no more is undone than its own share. */
function changeOfTotal(
  { account }: Context,
  count: Count,
  rate: Rate,
  own: { readonly units: bigint; readonly sparks: bigint },
  units: bigint,
): bigint {
  const { used, allowance, rated } = numbersOf(account, count)
  const total = used - allowance
  const change = priceOf(rate, total - own.units + units) - priceOf(rate, total)
  if (priceOf(rate, total) === rated) return change
  return units < own.units ? nearest(own.sparks * units, own.units) - own.sparks : positive(change)
}

/** What the other events of a period come to without a void one, when that is known. */
function rateAnew(
  context: Context,
  { budgets }: AmendCommand,
  row: Row,
  count: Count,
  own: { readonly units: bigint; readonly sparks: bigint },
  rate: Rate,
): void {
  const { account, cause } = context
  const { used, allowance, rated } = numbersOf(account, count)
  const total = used - allowance
  if (!row.usage || priceOf(rate, total) !== rated) return
  const sparks = priceOf(rate, total - own.units) - (rated - own.sparks)
  if (sparks === 0n) return
  const usage = {
    ...row.usage,
    serviceTier: null,
    quantity: 0n,
    sparks: 0n,
    costUsd: null,
    tokens: null,
    priceVersion: '',
  }
  const counting = budgetsNow(context, budgets).filter(
    ({ scope, startsAt }) => scope === 'account' && row.at >= startsAt,
  )
  const command = { usage, budgets: counting.map(({ scope }) => scope) }
  const measured = { quantity: 0n, sparks, isNet: true }
  const paid = { quantity: 0n, sparks, writtenOff: 0n }
  const at = row.usage.occurredAt
  settle(context, { id: `use_void.${cause}`, operation: 'accrue', command, count, at, measured, paid, held: undefined })
}

/** Whether one more would be let through with these units counted, and not yet paid. */
function coversWith(context: Context, count: Count, used: Used): boolean {
  const { rows } = context.account
  const id = 'asked'
  const nothing = { amount: 0n, burns: [], corrects: null, at: 0, plan: '', operation: '', told: {} }
  rows.push({ id, ...nothing, usage: used })
  const isCovered = coversOne(context, count)
  rows.pop()
  return isCovered
}

/** To whoever paid last; what this event did not pay itself goes to what the period and the account owe, and comes back as credits. */
function givenBack(context: Context, count: Count, paid: Split, amount: bigint, at: number): Split {
  const back: Record<string, bigint> = {}
  let left = amount
  for (const name of [
    'byo',
    'written_off',
    'debt',
    ...Object.keys(paid).filter((each) => each.startsWith('meter:')),
    'credits',
  ]) {
    const part = least(positive(paid[name] ?? 0n), left)
    back[name] = -part
    left -= part
  }
  if (left === 0n) return back
  const request = { quantity: 0n, sparks: -left, isNet: true, isStrict: false, budgets: [], givenBack: back, at }
  return added(back, cover(context, count, request).split)
}

function added(left: Split, right: Split): Split {
  const sum: Record<string, bigint> = { ...left }
  for (const [name, part] of Object.entries(right)) sum[name] = (sum[name] ?? 0n) + part
  return sum
}

function netBurns(rows: readonly Row[]): readonly Burn[] {
  const net = new Map<string, bigint>()
  for (const { burns } of rows)
    for (const { grantId, amount } of burns) net.set(grantId, (net.get(grantId) ?? 0n) + amount)
  return [...net].flatMap(([grantId, amount]) => (amount > 0n ? [{ grantId, amount }] : []))
}

/** Costs in millionths of a millionth are enough for those that sequences use. */
export function picosOf(costUsd: string): bigint {
  const [whole = '0', fraction = ''] = costUsd.replace('-', '').split('.')
  const digits = BigInt(whole + fraction) * 10n ** 18n
  const value = nearest(digits, 10n ** BigInt(6 + fraction.length))
  return costUsd.startsWith('-') ? -value : value
}

function costOf(now: string | null, before: readonly string[]): string | null {
  if (now === null && before.length === 0) return null
  const exact = (text: string) => {
    const [whole = '0', fraction = ''] = text.replace('-', '').split('.')
    const value = BigInt(whole + fraction.padEnd(20, '0'))
    return text.startsWith('-') ? -value : value
  }
  const value = before.reduce((sum, text) => sum - exact(text), exact(now ?? '0'))
  const digits = `${value < 0n ? -value : value}`.padStart(21, '0')
  const text = `${digits.slice(0, -20)}.${digits.slice(-20)}`.replace(/\.?0+$/, '')
  return value < 0n ? `-${text}` : text
}

// Holds.

function hold(context: Context, command: HoldCommand): Outcome {
  const { model, account, now } = context
  const { meter } = command.usage
  if (meter !== null && !['sum', 'count'].includes(aggregationOf(model, meter))) return refuse('option_unsupported')
  const count = meter === null ? null : countAt(context, meter, now)
  const reported = { ...command.usage, dimensions: command.dimensions }
  const asked = count ? pricedBeyond(context, count, reported) : { ...command.usage, isNet: false }
  const { gate, units, split } = cover(context, count, { ...asked, isStrict: true, budgets: command.budgets })
  if (gate !== null) return refuseUsage(context, count, gate)
  if (count) {
    keep(context, count)
    lift(context, count, usedOf(account, count))
  }
  const made: Hold = {
    id: command.id,
    meter,
    count,
    dimensions: command.dimensions,
    budgets: command.budgets.filter((scope) => account.budgets.some((each) => each.scope === scope)),
    quantity: command.usage.quantity,
    sparks: split.credits ?? 0n,
    allowance: units,
    rated: asked.sparks,
    budgeted: chargedOf(split),
    status: 'open',
    captured: 0n,
    expiresAt: now + command.ttlMs,
  }
  touchBudgets(context, made)
  account.holds.push(made)
  return apply(holdResult(account, made))
}

function holdResult(account: Account, { id, status, meter, quantity, sparks, captured, expiresAt }: Hold): Result {
  return { kind: 'hold', id, status, meter, quantity, sparks, captured, expiresAt, balance: balances(account) }
}

function openHold({ account }: Context, holdId: string): Hold | string {
  const found = account.holds.find(({ id }) => id === holdId)
  if (!found) return 'not_found'
  return found.status === 'open' ? found : 'invalid_state'
}

function extend(context: Context, command: ExtendCommand): Outcome {
  const { account, now } = context
  const held = openHold(context, command.holdId)
  if (typeof held === 'string') return refuse(held)
  const { more } = command
  if (more) {
    const { count } = held
    const asked = count
      ? pricedBeyond(context, count, { ...more, dimensions: held.dimensions })
      : { ...more, isNet: false }
    const { gate, units, split } = cover(context, count, { ...asked, isStrict: true, budgets: held.budgets })
    if (gate !== null) return refuseUsage(context, count, gate)
    if (count) lift(context, count, usedOf(account, count))
    const charged = chargedOf(split)
    touchBudgets(context, { budgets: held.budgets, budgeted: charged })
    held.quantity += more.quantity
    held.sparks += split.credits ?? 0n
    held.allowance += units
    held.rated += asked.sparks
    held.budgeted += charged
  }
  held.expiresAt = Math.max(held.expiresAt, now + command.ttlMs)
  post(context, { operation: 'extend', amount: 0n })
  return apply(holdResult(account, held))
}

function capture(context: Context, command: CaptureCommand): Outcome {
  const { account, now } = context
  const held = openHold(context, command.holdId)
  if (typeof held === 'string') return refuse(held)
  if (held.meter !== null) return refuse('invalid_request')
  const wanted = command.amount ?? held.sparks
  const excess = positive(wanted - held.sparks)
  if (excess > 0n && command.onExcess === 'refuse') return refuse('amount_out_of_range')
  const writtenOff = command.onExcess === 'write_off' ? excess : 0n
  const taken = wanted - writtenOff
  const credits = least(taken, positive(balanceOf(account)))
  const settledBy = withoutZeros({ credits, debt: taken - credits, written_off: writtenOff })
  touchBudgets(context, held)
  held.status = 'captured'
  held.captured = taken
  charge(context, [...new Set([...command.budgets, ...held.budgets])], taken)
  endGrants(context, taken)
  const nothing = { costUsd: null, provider: null, model: null, included: 0n, count: null }
  const used = { meter: '', quantity: 0n, sparks: wanted, dimensions: held.dimensions, occurredAt: now, settledBy }
  post(context, { operation: 'capture', amount: -taken, usage: { ...used, ...nothing, charged: taken, events: 1 } })
  const outcome = entryOf(context, -taken)
  recheckAll(context)
  return outcome
}

function release(context: Context, { holdId }: ReleaseCommand): Outcome {
  const held = openHold(context, holdId)
  if (typeof held === 'string') return refuse(held)
  touchBudgets(context, held)
  held.status = 'released'
  endGrants(context, 0n)
  recheckAll(context)
  return apply(holdResult(context.account, held))
}

// Credits.

function grant(context: Context, command: GrantCommand): Outcome {
  const { account, now } = context
  const { payment, expiresAt, amount, priority, grantKind: kind } = command
  if (expiresAt !== null && expiresAt <= now) return refuse('timestamp_out_of_range')
  if (payment) {
    if (account.currency !== null && account.currency !== payment.currency) return refuse('currency_mismatch')
    account.currency = payment.currency
  }
  addCredits(context, { id: command.id, kind, origin: 'once', amount, priority, expiresAt }, 'grant')
  const outcome = entryOf(context, amount)
  if (payment) {
    const kept = paymentOf(account, payment.id)
    const due = dueOf(kept)
    Object.assign(kept, { grantId: command.id, sparks: amount, nanos: payment.nanos })
    takeBack(context, kept, due)
  }
  recheckAll(context)
  return outcome
}

function paymentOf(account: Account, id: string): Payment {
  const found = account.payments.find((each) => each.id === id)
  if (found) return found
  const made: Payment = { id, grantId: null, sparks: 0n, nanos: 0n, facts: new Map(), reversed: 0n }
  account.payments.push(made)
  return made
}

function reversePayment(context: Context, { paymentId, source, fact }: ReversePaymentCommand): Outcome {
  const payment = paymentOf(context.account, paymentId)
  const due = dueOf(payment)
  const before = payment.facts.get(source)
  const isNews = !before || fact.rank > before.rank || (fact.rank === before.rank && fact.nanos > before.nanos)
  if (isNews) payment.facts.set(source, fact)
  takeBack(context, payment, due)
  return apply({ kind: 'payment', reversed: payment.reversed })
}

/** What of the credits the payer has back of the money, and never more than all of them. */
function dueOf({ grantId, sparks, nanos, facts }: Payment): bigint {
  if (grantId === null) return 0n
  const back = [...facts.values()].reduce((sum, fact) => sum + fact.nanos, 0n)
  return back >= nanos ? sparks : nearest(sparks * back, nanos)
}

/** Rows that took of the credits of a row: refunds, reversals, and what let them expire or took that back. */
function takersOf({ rows }: Account, given: Row) {
  const grantId = given.burns.find(({ amount }) => amount < 0n)?.grantId
  const corrections = rows.filter(({ corrects }) => corrects === given.id)
  const ended = rows.filter(
    ({ operation, burns }) => operation === 'expire' && burns.some((each) => each.grantId === grantId),
  )
  const back = rows.filter(({ corrects }) => ended.some(({ id }) => id === corrects))
  const taken = (list: readonly Row[]) => list.reduce((sum, { amount }) => sum - amount, 0n)
  const inGrant = corrections.flatMap(({ burns }) => burns).filter((each) => each.grantId === grantId)
  return {
    refunds: corrections.filter(({ operation }) => operation === 'refund'),
    byHand: taken(corrections.filter(({ operation }) => operation !== 'refund')),
    expired: taken(ended) + taken(back),
    fromGrant: inGrant.reduce((sum, { amount }) => sum + amount, 0n),
  }
}

/**
 * Refunds and reversals take what they claim together. Of credits that nobody used all is gone in the end, claimed or expired: what they
 * claim is taken out of these first.
 */
function takeBack(context: Context, payment: Payment, due: bigint): void {
  const { account } = context
  const { grantId, sparks } = payment
  const given = account.rows.find(({ id }) => id === grantId)
  if (grantId === null || !given) return
  const { refunds, byHand, expired, fromGrant } = takersOf(account, given)
  const others = byHand + expired
  const claims = (part: bigint) => least(byHand + part, sparks)
  const isBeyond = payment.reversed + others > claims(due)
  const unused = isBeyond ? payment.reversed + others : expired + fromGrant
  const claimed = claims(dueOf(payment))
  const wanted = claimed > unused ? claimed : unused
  const reversed = least(positive(wanted - others), positive(claimed - byHand))
  const more = reversed - payment.reversed
  if (more === 0n) return
  payment.reversed = reversed
  const id = `ent_refund.${payment.id}.${context.cause}.${context.now.toString(36)}`
  const givesBack = netBurns(refunds)
  post(context, { operation: 'refund', id, amount: -more, corrects: grantId, takesFirst: grantId, givesBack })
  tell(context, 'credit.refunded')
}

function adjust(context: Context, command: AdjustCommand): Outcome {
  const { account } = context
  if (command.reverses === null) {
    const amount = command.amount ?? 0n
    const id = `grt_${command.id}`
    if (amount > 0n) {
      addCredits(context, { id, kind: 'promotional', origin: 'once', amount, priority: 0, expiresAt: null }, 'adjust')
    } else post(context, { operation: 'adjust', amount })
    const outcome = entryOf(context, amount)
    recheckAll(context)
    return outcome
  }
  const row = account.rows.find(({ id }) => id === command.reverses)
  if (!row) return refuse('not_found')
  if (row.corrects !== null || (row.usage && row.usage.meter !== '')) return refuse('invalid_state')
  const rows = [row, ...account.rows.filter(({ corrects }) => corrects === row.id)]
  const sum = rows.reduce((total, { amount }) => total + amount, 0n)
  const left = row.amount > 0n ? positive(sum - takersOf(account, row).expired) : sum
  const amount = command.amount ?? -left
  const isWithin = left > 0n ? amount < 0n && amount >= -left : amount > 0n && amount <= -left
  if (!isWithin) return refuse('refund_exceeds_original')
  const opened = row.burns.find((burned) => burned.amount < 0n)
  const first = opened ? { takesFirst: opened.grantId } : {}
  post(context, { operation: 'adjust', amount, corrects: row.id, ...first, givesBack: netBurns(rows) })
  const outcome = entryOf(context, amount)
  recheckAll(context)
  return outcome
}

function expireGrant(context: Context, { grantId }: ExpireGrantCommand): Outcome {
  const { account } = context
  const found = account.grants.find(({ id }) => id === grantId)
  if (!found) return refuse('not_found')
  const amount = least(remainingOf(account, found), positive(balances(account).available))
  post(context, { operation: 'expire', amount: -amount, takesFirst: grantId })
  if (amount > 0n) tell(context, 'credit.expired')
  return entryOf(context, -amount)
}

// Terms.

function changePlan(context: Context, command: ChangePlanCommand): Outcome {
  const { model, account, now } = context
  if (!model.rules.catalog.plans.has(command.plan)) return refuse('not_found')
  const before = { ...account }
  account.plan = command.plan
  const { anchor, paid } = command
  if (paid === null) account.paidBy = null
  else if (paid && account.paidBy?.source !== paid.source)
    account.paidBy = {
      source: paid.source,
      provider: paid.provider,
      until: null,
      given: 0n,
      missed: 0n,
      lapsedBefore: account.lapsed.length,
    }
  if (anchor !== undefined && !hasRhythm(before, anchor, now)) {
    account.anchor = anchor
    if (anchor !== before.anchor) changeRhythm(context, before)
  }
  collectWith(context, before.paidBy?.source, before.paidBy?.provider)
  post(context, { operation: 'change_plan', amount: 0n })
  const outcome = entryOf(context, 0n)
  if (before.plan !== account.plan) tell(context, 'plan.changed')
  topUpRenewal(context)
  if (paid?.period) payPeriod(context, paid.period)
  recheckAll(context)
  return outcome
}

/** A period of a subscription is paid for: its credits come once, whoever tells of it and however often. */
function payPeriod(context: Context, { startsAt, endsAt }: Period): void {
  const { account, now } = context
  const { paidBy } = account
  if (!paidBy) return
  const { sparks, rollover } = recurring(context) ?? { sparks: 0n, rollover: 0n }
  const isOver = endsAt <= now
  if (paidBy.until !== null && endsAt <= paidBy.until) {
    if (paidBy.until <= now || sparks <= paidBy.given) return
    account.paidBy = { ...paidBy, given: sparks }
    give(context, 'plan', sparks - paidBy.given, paidBy.until)
    return
  }
  const name = `${paidBy.source} from ${startsAt}`
  const isGiven = account.paidPeriods.has(name)
  const carried = paidBy.until === startsAt ? least(unusedOf(account, paidBy), rollover) : 0n
  const missed = isOver && !isGiven ? least(carried + sparks, rollover) : 0n
  account.paidBy = { ...paidBy, until: endsAt, given: sparks, missed, lapsedBefore: account.lapsed.length }
  if (isGiven || isOver || sparks === 0n) return
  account.paidPeriods.add(name)
  if (carried > 0n) give(context, 'rollover', carried, endsAt)
  give(context, 'plan', sparks, endsAt)
}

export function paidPlanOf(account: Account) {
  const { paidBy } = account
  return (
    paidBy && {
      source: paidBy.source,
      provider: paidBy.provider,
      until: paidBy.until,
      given: paidBy.given,
      unused: unusedOf(account, paidBy),
    }
  )
}

/** What lapsed of the credits of a paid period. */
function unusedOf({ lapsed }: Account, { until, missed, lapsedBefore }: PaidBy): bigint {
  return lapsed
    .slice(lapsedBefore)
    .filter(({ grant }) => grant.origin !== 'once' && grant.expiresAt === until)
    .reduce((sum, { amount }) => sum + amount, missed)
}

function hasRhythm(account: Account, anchor: number | null, now: number): boolean {
  if (anchor !== null && monthOf(account, anchor).startsAt === anchor) return true
  const [a, b] = [monthOf(account, now), monthOf({ ...account, anchor }, now)]
  return a.startsAt === b.startsAt && a.endsAt === b.endsAt
}

/**
 * With another anchor periods end where those of the new rhythm begin, and levels go on in these; with another zone they go on to the end
 * of their month by its clocks. Credits that were given last until the new rhythm gives them again.
 */
function changeRhythm(context: Context, before: Account): void {
  const { model, account, now } = context
  const [old, next] = [monthOf(before, now), monthOf(account, now)]
  const moved = (endsAt: number) => Math.max(now, monthOf(account, endsAt - 129_600_000).endsAt)
  const isZone = account.anchor === before.anchor
  const anchored = old.startsAt === next.startsAt ? next.endsAt : now
  const after = { plan: account.plan, anchor: account.anchor, zone: account.zone, terms: account.terms }
  // What was used until now is priced as it was agreed until now.
  Object.assign(account, { plan: before.plan, anchor: before.anchor, zone: before.zone, terms: before.terms })
  const current = account.counts.filter((count) => isCurrent(count, now))
  for (const { meter } of current) {
    const until = account.countedTo.get(meter)
    if (aggregationOf(model, meter) !== 'time_weighted' || until === undefined) continue
    countThrough(context, meter, until, now)
    account.countedTo.set(meter, now)
    settleOthers(context, meter, null)
  }
  Object.assign(account, after)
  const begun = current.filter(({ startsAt }) => startsAt < now)
  for (const count of begun) count.endsAt = isZone ? moved(count.endsAt) : anchored
  for (const { meter, asOf } of begun.filter(({ endsAt }) => endsAt === now)) {
    const isLevel = aggregationOf(model, meter) === 'level' && asOf !== null
    if (!isLevel && !account.countedTo.has(meter)) continue
    const count = countAt(context, meter, now)
    keep(context, count)
    if (isLevel) count.asOf = now
  }
  const { renewsAt } = account
  if (renewsAt !== null && !account.paidBy) {
    const endsAt = moved(renewsAt)
    for (const { grant } of openGrants(account))
      if (grant.origin !== 'once' && grant.expiresAt === renewsAt) grant.expiresAt = endsAt
    account.renewsAt = monthOf(account, renewsAt - 129_600_000).endsAt
  }
  sweep(context)
}

function changeTerms(context: Context, command: ChangeTermsCommand): Outcome {
  const { account } = context
  const before = { ...account }
  const { zone, terms, autoTopUp } = command
  if (terms !== undefined) account.terms = terms
  if (autoTopUp !== undefined) {
    const { askedAt = [], isPending = false } = before.topUp ?? {}
    account.topUp = autoTopUp && { ...autoTopUp, askedAt, isPending }
  }
  if (zone !== undefined && zone !== before.zone) {
    account.zone = zone
    if (account.anchor === null) changeRhythm(context, before)
  }
  planAgain(context)
  const { collector } = command
  if (collector !== undefined) {
    const { now } = context
    const present = collectorOf(context, now)
    keepCollector(context)
    const begun = account.collectors.filter(({ from }) => from <= now)
    account.collectors =
      present === collector ? begun : [...begun, { provider: collector, from: nextPeriodOf(context) }]
  }
  post(context, { operation: 'change_terms', amount: 0n })
  const outcome = entryOf(context, 0n)
  topUpRenewal(context)
  recheckAll(context)
  return outcome
}

function suspend(context: Context, { kind, reason }: SuspendCommand): Outcome {
  const { account } = context
  const was = account.suspendedFor !== null
  account.suspendedFor = kind === 'suspend' ? reason : null
  post(context, { operation: kind, amount: 0n })
  const outcome = entryOf(context, 0n)
  if (was !== (kind === 'suspend')) tell(context, kind === 'suspend' ? 'account.suspended' : 'account.resumed')
  if (kind === 'resume') recheckAll(context)
  return outcome
}
