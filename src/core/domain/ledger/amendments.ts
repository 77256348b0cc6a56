import { addDecimal, decimal, divide, formatDecimal, multiplyDecimal } from '../decimal.js'
import { amendedPrice, isPriceOfTotal, priceOfTotal } from '../rating/price-of-total.js'
import { formatSparks, least, type MicroSparks, type MicroUnits } from '../sparks.js'
import { budgetKeys, budgetsOf, countBudgets } from './budgets.js'
import { collectedOf } from './collected-parts.js'
import { collectorAt, keepCollector } from './collector.js'
import type { AmendCommand } from './command.js'
import { balanceOf, counterAt, type Draft, entryWithCorrections, findEntry, netBurns } from './draft.js'
import { coverUsage, entitlementOf, includedUnits, quotaOf } from './entitlement.js'
import { dedupeOf } from './key.js'
import type { LedgerOutcome, SettledBy } from './outcome.js'
import { accountOf, emit, post, refused, storable } from './posting.js'
import { countUsage, recheckQuotas } from './quotas.js'
import { addRollup } from './rollup.js'
import { settle, withoutZeros } from './settlement.js'
import { type AccountState, type Counter, countedAt, type EntryUsage, type LedgerEntry, type LoadKey } from './state.js'
import { settleUsage } from './usage-row.js'

export function amendNeeds({ accountId, dedupe, entryId, budgets }: AmendCommand): readonly LoadKey[] {
  return [
    { kind: 'account', accountId },
    { kind: 'key', accountId, dedupe },
    { kind: 'entry', accountId, entryId },
    { kind: 'counters', accountId },
    ...budgetKeys(accountId, budgets),
  ]
}

/** What a usage event comes to with all that corrects it. */
interface Totals {
  readonly quantity: MicroUnits
  readonly sparks: MicroSparks
  readonly included: MicroUnits
  readonly settledBy: SettledBy
  readonly costUsd: string | null
}

/**
 * Replaces what a usage event measured, in the period it happened in: posts the difference between what it should have cost and what
 * was posted for it so far. What is given back goes to whoever paid last, and to the grants it came from.
 */
export function decideAmend(draft: Draft, command: AmendCommand): LedgerOutcome {
  const { accountId, entryId } = command
  const entry = findEntry(draft, accountId, entryId)
  if (!entry?.usage || entry.operation !== 'usage')
    return refused('not_found', `No usage ${entryId} on account ${accountId}.`, { id: entryId })
  const rows = entryWithCorrections(draft, entry)
  const before = totalsOf(rows)
  if (before.quantity === 0n && before.sparks === 0n && rows.length > 1)
    return refused('invalid_state', `Usage ${entryId} is void already.`, { id: entryId })

  const { meter, occurredAt } = entry.usage
  const { aggregation = 'sum' } = draft.rules.catalog.meters.get(meter) ?? {}
  if (aggregation !== 'sum' && aggregation !== 'count') {
    const message = `${meter} is no sum (${aggregation}): report what it is instead of amending what was reported.`
    return refused('option_unsupported', message, { meter })
  }
  if (command.usage === null) rateAnew(draft, command, entry, entry.usage, before)
  const account = accountOf(draft, accountId)
  const counter = counterAt(draft, account, meter, countedAt(entry))
  const asked = command.usage ?? {
    quantity: 0n,
    sparks: 0n,
    costUsd: null,
    tokens: null,
    priceVersion: entry.usage.priceVersion,
  }
  const place = { account, counter, collecting: collectorAt(draft.rules, account, occurredAt) }
  const included = includedAfter(draft, before, asked.quantity, place)
  const to = { ...asked, ...priceAfter(command, before, asked, included, counter) }
  const more = { quantity: to.quantity - before.quantity, sparks: to.sparks - before.sparks }
  const settledBy = difference(draft, before, { ...to, included }, place)
  const paid = (settledBy.credits ?? 0n) + (settledBy.debt ?? 0n)
  storable(account.balance - paid, 'The balance')
  storable(counter.used + more.quantity, 'The usage of the period')
  storable(counter.rated + more.sparks, 'The Sparks of the period')

  const usage: EntryUsage = {
    ...entry.usage,
    ...more,
    tokens: to.tokens,
    priceVersion: to.priceVersion,
    costUsd: costDifference(before.costUsd, to.costUsd),
    settledBy,
    measured: asked.quantity,
    included: included - before.included,
  }
  const overage = collectedOf(settledBy)
  const charged = paid + overage
  const events = command.usage === null ? -1 : 0
  keepCollector(draft, accountOf(draft, accountId))
  addRollup(draft, { accountId, occurredAt, usage, charged, events })
  const units = {
    quantity: more.quantity,
    allowance: included - before.included,
    rated: more.sparks,
    overage,
    isRequest: false,
  }
  countUsage(draft, account, counter, units)
  for (const { scope, startsAt } of budgetsOf(draft, account, command.budgets))
    if (entry.recordedAt >= startsAt) countBudgets(draft, accountId, [scope], charged)

  const posting = {
    command,
    operation: 'amend',
    counterAccount: 'usage',
    amount: -paid,
    reason: command.reason,
    usage,
    corrects: entryId,
    givesBack: netBurns(rows),
  } as const
  const outcome = post(draft, posting, (after) => {
    recheckQuotas(draft, accountId)
    return {
      kind: 'usage',
      id: command.id,
      sparks: to.sparks,
      costUsd: to.costUsd,
      settledBy: withoutZeros(added(before.settledBy, settledBy)),
      balance: balanceOf(after),
      quota: quotaOf(draft.rules.catalog, after, counterAt(draft, after, meter, counter.startsAt)),
    }
  })
  const data = { usageId: entryId, meter, sparks: formatSparks(to.sparks), differenceSparks: formatSparks(more.sparks) }
  emit(draft, { id: `evt_${command.id}`, type: 'usage.amended', accountId, data })
  return outcome
}

/** What a usage row and the rows that correct it come to. */
export function totalsOf(rows: readonly LedgerEntry[]): Totals {
  const usages = rows.flatMap(({ usage }) => usage ?? [])
  const costs = usages.flatMap(({ costUsd }) => costUsd ?? [])
  return {
    quantity: usages.reduce((sum, { quantity }) => sum + quantity, 0n),
    sparks: usages.reduce((sum, { sparks }) => sum + sparks, 0n),
    included: usages.reduce((sum, { included }) => sum + included, 0n),
    settledBy: usages.reduce<SettledBy>((sum, { settledBy }) => added(sum, settledBy), {}),
    costUsd: costs.length === 0 ? null : formatDecimal(costs.map(decimal).reduce(addDecimal)),
  }
}

interface Place {
  readonly account: AccountState
  readonly counter: Counter
  /** Who collects what is used when the event happened. */
  readonly collecting: string | null
}

/** How many of the units the plan gives: those it gave, and of more units those that are free now. */
function includedAfter(
  draft: Draft,
  before: Totals,
  quantity: MicroUnits,
  { account, counter }: Pick<Place, 'account' | 'counter'>,
): MicroUnits {
  const kept = before.included < quantity ? before.included : quantity
  if (isByo(before)) return kept
  const extra = quantity > before.quantity ? quantity - before.quantity : 0n
  return kept + includedUnits(counter, entitlementOf(draft.rules.catalog, account, counter.meter), extra)
}

/**
 * What the event costs after it: nothing, what its measure was rated at, or where the price depends on the period, what its total makes
 * of it at the rate that held for the event.
 */
function priceAfter(
  { usage, rate }: AmendCommand,
  before: Totals,
  asked: Pick<Totals, 'quantity' | 'sparks'>,
  included: MicroUnits,
  counter: Counter,
): { readonly sparks: MicroSparks; readonly isNet: boolean } {
  if (usage === null) return { sparks: 0n, isNet: rate !== null }
  if (!rate) return { sparks: asked.sparks, isNet: false }
  const period = { units: counter.used - counter.allowance, sparks: counter.rated }
  const own = { units: before.quantity - before.included, sparks: before.sparks }
  return { sparks: amendedPrice(rate, period, own, asked.quantity - included), isNet: true }
}

/**
 * A void gives back what the event itself was charged. Where the rate looks at the period, the price of the other events may have hung
 * on its units: what the total costs less or more without them, beside that, has a row of its own. Where the period was rated by
 * several rates there is no price of its total, and the other events keep theirs.
 */
function rateAnew(
  draft: Draft,
  { accountId, id, entryId, rate, budgets }: AmendCommand,
  entry: LedgerEntry,
  event: EntryUsage,
  before: Totals,
): void {
  const account = accountOf(draft, accountId)
  const counter = counterAt(draft, account, event.meter, countedAt(entry))
  const units = counter.used - counter.allowance
  if (!rate || !isPriceOfTotal(rate, { units, sparks: counter.rated })) return
  const without = priceOfTotal(rate, units - (before.quantity - before.included))
  const sparks = without - (counter.rated - before.sparks)
  if (sparks === 0n) return
  const name = `void.${id}`
  const dedupe = dedupeOf(accountId, 'accrue', name)
  const usage = { ...event, quantity: 0n, costUsd: null, tokens: null, sparks: 0n }
  // What the other events counted against beside the account is not known here.
  const scopes = budgetsOf(draft, account, budgets).flatMap(({ scope, startsAt }) =>
    scope === 'account' && entry.recordedAt >= startsAt ? [scope] : [],
  )
  const command = {
    ...{ accountId, id: `use_${name}`, key: `accrue:${name}`, dedupe, fingerprint: dedupe },
    ...{ usage, budgets: scopes },
  }
  settleUsage(draft, {
    command,
    operation: 'accrue',
    occurredAt: event.occurredAt,
    countedAt: counter.startsAt,
    measured: { quantity: 0n, sparks, isNet: true },
    paid: { quantity: 0n, sparks, writtenOff: 0n },
    hold: undefined,
    summedBy: event.summedBy,
    reason: `void of ${entryId}`,
  })
}

/** Who pays the difference: more is covered like usage of its own, less goes back to those who paid last. */
function difference(
  draft: Draft,
  before: Totals,
  to: Pick<Totals, 'quantity' | 'sparks' | 'included'> & { readonly isNet: boolean },
  place: Place,
): SettledBy {
  const more = to.sparks - before.sparks
  const { allowance = 0n } = before.settledBy
  if (more >= 0n && isByo(before)) return withoutZeros({ byo: more })
  const chargedBefore = before.sparks - allowance
  const charge = chargedAfter(before, to, chargedBefore) - chargedBefore
  const paid = charge >= 0n ? covered(draft, place, charge) : returned(draft, before.settledBy, -charge, place)
  return withoutZeros(added(paid, { allowance: more - charge }))
}

/** Whether nobody here paid anything of it: the account brought its own keys. */
function isByo({ settledBy, sparks }: Totals): boolean {
  return settledBy.byo !== undefined && settledBy.byo === sparks
}

/** In the proportion of the units that the plan gives, as when it was recorded. */
function chargedAfter(
  before: Totals,
  { quantity, sparks, included, isNet }: Pick<Totals, 'quantity' | 'sparks' | 'included'> & { readonly isNet: boolean },
  chargedBefore: MicroSparks,
): MicroSparks {
  if (isNet) return sparks
  if (quantity > 0n) return divide(sparks * (quantity - included), quantity, 'half_even')
  const wasFree = chargedBefore === 0n && before.sparks > 0n
  return wasFree ? 0n : sparks
}

/** Who pays for what is charged in addition; it has happened, so nothing refuses it. */
function covered(draft: Draft, place: Place, charge: MicroSparks): SettledBy {
  const request = {
    catalog: draft.rules.catalog,
    ...place,
    budgets: [],
    quantity: 0n,
    sparks: charge,
    isNet: true,
    strict: false,
  }
  return settle(coverUsage(request), 0n, place.collecting).settledBy
}

/** What goes back to whom: first what was paid for the event itself; the price of a total may fall by more than that. */
function returned(draft: Draft, settledBy: SettledBy, amount: MicroSparks, place: Place): SettledBy {
  const { account, counter } = place
  const own = givenBack(settledBy, amount)
  const rest = Object.values(own).reduce((left, part) => left + part, amount)
  if (rest === 0n) return own
  const after = { ...counter, overage: counter.overage + collectedOf(own) }
  const owed = { ...account, balance: account.balance - (own.credits ?? 0n) - (own.debt ?? 0n) }
  return added(own, covered(draft, { ...place, account: owed, counter: after }, -rest))
}

/** Takes back from what was paid: first what was paid elsewhere and what the house bore, then debt, what is collected afterwards, and credits. */
function givenBack(settledBy: SettledBy, amount: MicroSparks): SettledBy {
  let left = amount
  const back: Record<string, bigint> = {}
  const meters = Object.keys(settledBy).filter((name) => name.startsWith('meter:'))
  for (const name of ['byo', 'written_off', 'debt', ...meters, 'credits']) {
    const paid = settledBy[name] ?? 0n
    // Usage that lowered the price of its period has given back already.
    if (paid <= 0n) continue
    const part = least(paid, left)
    back[name] = -part
    left -= part
  }
  return back
}

function added(left: SettledBy, right: SettledBy): SettledBy {
  const sum: Record<string, bigint> = { ...left }
  for (const [name, amount] of Object.entries(right)) sum[name] = (sum[name] ?? 0n) + amount
  return sum
}

/** What a cost changed by; none where neither was rated by cost. */
function costDifference(before: string | null, now: string | null): string | null {
  if (before === null && now === null) return null
  const negative = multiplyDecimal(decimal(before ?? '0'), decimal('-1'))
  return formatDecimal(addDecimal(decimal(now ?? '0'), negative))
}
