import { addDecimal, decimal, divide, formatDecimal, multiplyDecimal } from '../decimal.js'
import { formatSparks, type MicroSparks, type MicroUnits } from '../sparks.js'
import { netBurns } from './adjustments.js'
import { budgetKeys, budgetsOf, countBudgets } from './budgets.js'
import type { AmendCommand } from './command.js'
import { balanceOf, counterAt, type Draft, entryWithCorrections, findEntry } from './draft.js'
import { coverUsage, entitlementOf, includedUnits, quotaOf } from './entitlement.js'
import type { LedgerOutcome, SettledBy } from './outcome.js'
import { accountOf, emit, post, refused, storable } from './posting.js'
import { amendCount, recheckQuotas } from './quotas.js'
import { addRollup } from './rollup.js'
import { settle, withoutZeros } from './settlement.js'
import type { AccountState, Counter, EntryUsage, LedgerEntry, LoadKey } from './state.js'

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
  if (command.usage === null && before.quantity === 0n && before.sparks === 0n && rows.length > 1)
    return refused('invalid_state', `Usage ${entryId} is void already.`, { id: entryId })

  const { meter, occurredAt } = entry.usage
  const account = accountOf(draft, accountId)
  const counter = counterAt(draft, account, meter, occurredAt)
  const to = command.usage ?? {
    quantity: 0n,
    sparks: 0n,
    costUsd: null,
    tokens: null,
    priceVersion: entry.usage.priceVersion,
  }
  const more = { quantity: to.quantity - before.quantity, sparks: to.sparks - before.sparks }
  const { settledBy, included } = difference(draft, before, to, { account, counter })
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
    included,
  }
  const overage = overageOf(settledBy)
  const charged = paid + overage
  const events = command.usage === null ? -1 : 0
  addRollup(draft, { accountId, occurredAt, usage, charged, events })
  amendCount(draft, account, counter, { quantity: more.quantity, allowance: included, rated: more.sparks, overage })
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
  const result = post(draft, posting, (after) => {
    recheckQuotas(draft, accountId)
    return {
      kind: 'usage',
      id: command.id,
      sparks: to.sparks,
      costUsd: to.costUsd,
      settledBy: withoutZeros(added(before.settledBy, settledBy)),
      balance: balanceOf(after),
      quota: quotaOf(draft.rules.catalog, after, counterAt(draft, after, meter, occurredAt)),
    }
  })
  const data = { usageId: entryId, meter, sparks: formatSparks(to.sparks), differenceSparks: formatSparks(more.sparks) }
  emit(draft, { id: `evt_${command.id}`, type: 'usage.amended', accountId, data })
  return { status: 'applied', result }
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

/** Who pays the difference: more is covered like usage of its own, less goes back to those who paid last. */
function difference(
  draft: Draft,
  before: Totals,
  to: Pick<Totals, 'quantity' | 'sparks'>,
  { account, counter }: { readonly account: AccountState; readonly counter: Counter },
): { readonly settledBy: SettledBy; readonly included: MicroUnits } {
  const more = to.sparks - before.sparks
  const { allowance = 0n, byo } = before.settledBy
  if (byo !== undefined) return { included: 0n, settledBy: withoutZeros({ byo: more }) }

  const kept = before.included < to.quantity ? before.included : to.quantity
  const extra = to.quantity > before.quantity ? to.quantity - before.quantity : 0n
  const included = kept + includedUnits(counter, entitlementOf(draft.rules.catalog, account, counter.meter), extra)
  const chargedBefore = before.sparks - allowance
  const wasFree = chargedBefore === 0n && before.sparks > 0n
  // In the proportion of the units that the plan gives, as when it was recorded.
  const charged =
    to.quantity > 0n ? divide(to.sparks * (to.quantity - included), to.quantity, 'half_even') : wasFree ? 0n : to.sparks
  const charge = charged - chargedBefore
  const paid = charge >= 0n ? covered(draft, account, counter, charge) : givenBack(before.settledBy, -charge)
  return { included: included - before.included, settledBy: withoutZeros(added(paid, { allowance: more - charge })) }
}

/** Who pays for what is charged in addition; it has happened, so nothing refuses it. */
function covered(draft: Draft, account: AccountState, counter: Counter, charge: MicroSparks): SettledBy {
  const request = { ...draft.rules, account, counter, budgets: [], quantity: 0n, sparks: charge, strict: false }
  return settle(draft, coverUsage(request), 0n).settledBy
}

/** Takes back from what was paid: first what the house bore, then debt, what is collected afterwards, and credits. */
function givenBack(settledBy: SettledBy, amount: MicroSparks): SettledBy {
  let left = amount
  const back: Record<string, bigint> = {}
  const meters = Object.keys(settledBy).filter((name) => name.startsWith('meter:'))
  for (const name of ['written_off', 'debt', ...meters, 'credits']) {
    const paid = settledBy[name] ?? 0n
    const part = paid < left ? paid : left
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

function overageOf(settledBy: SettledBy): MicroSparks {
  return Object.entries(settledBy).reduce((sum, [name, amount]) => (name.startsWith('meter:') ? sum + amount : sum), 0n)
}

/** What a cost changed by; none where neither was rated by cost. */
function costDifference(before: string | null, now: string | null): string | null {
  if (before === null && now === null) return null
  const negative = multiplyDecimal(decimal(before ?? '0'), decimal('-1'))
  return formatDecimal(addDecimal(decimal(now ?? '0'), negative))
}
