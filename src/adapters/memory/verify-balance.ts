import type { LedgerEntry } from '../../core/domain/ledger/state.js'
import { type Book, createTally, sumOf, type Tell } from './verify-book.js'

/** Balances, grants and holds: what an account has. */
export function verifyBalance({ accountId, state, entries, grants, holds, budgets }: Book, tell: Tell): void {
  let balance = 0n
  const left = createTally()
  const opened = createTally()
  const expired = createTally()
  for (const grant of grants) {
    const { id, remaining, amount } = grant
    left.keep(id, remaining)
    expired.keep(id, grant.expired)
    opened.keep(id, amount)
  }
  const openers = new Map<string, LedgerEntry>()
  const ended = new Map<string, string>()
  for (const entry of entries) {
    const before = balance
    balance = entry.balanceAfter
    if (balance !== before + entry.amount) tell('running_balance', entry.id, balance, before + entry.amount)
    const burned = sumOf(entry.burns.map(({ amount }) => amount))
    const took = positive(entry.balanceAfter - entry.amount) - positive(entry.balanceAfter)
    if (burned !== took) tell('row_burns', entry.id, burned, took)
    for (const { grantId, amount } of entry.burns) {
      left.add(grantId, -amount)
      if (entry.operation !== 'expire') continue
      ended.set(entry.id, grantId)
      expired.add(grantId, amount)
    }
    // A row lets go of one grant; a reversal of it brings that back.
    const back = entry.corrects === null ? undefined : ended.get(entry.corrects)
    if (back !== undefined) expired.add(back, -entry.amount)
    for (const [grantId, amount] of openedBy(entry)) {
      opened.add(grantId, amount)
      openers.set(grantId, entry)
    }
  }
  left.compare('grant_remaining', tell)
  expired.compare('grant_expired', tell)
  opened.compare('grant_amount', tell)
  for (const { id, kind, origin, grantedAt, reason } of grants) {
    const entry = openers.get(id)
    if (!entry) continue
    const [found, expected] = [`${kind} ${origin} ${grantedAt} ${reason}`, termsOf(entry)]
    if (found !== expected) tell('grant_terms', id, found, expected)
  }

  const open = holds.filter(({ status }) => status === 'open')
  const captured = createTally()
  const takers = entries.filter(({ operation, usage }) => operation !== 'amend' && usage?.holdId != null)
  const gaveBack = new Set(takers.filter(({ amount }) => amount > 0n).map(({ usage }) => usage?.holdId ?? ''))
  for (const hold of holds) if (!gaveBack.has(hold.id)) captured.keep(hold.id, hold.captured)
  for (const { usage, amount } of takers) {
    const holdId = usage?.holdId ?? ''
    if (!gaveBack.has(holdId)) captured.add(holdId, -amount)
  }
  captured.compare('hold_captured', tell)
  const users = new Set(takers.map(({ usage }) => usage?.holdId))
  for (const { id, status, release, meter, periodStartsAt, createdAt, expiresAt, ...amounts } of holds) {
    const { sparks, quantity, allowance, budgeted } = amounts
    const isOdd =
      !['open', 'captured', 'released', 'expired'].includes(status) ||
      (release !== null) !== (status === 'released') ||
      (status === 'captured' && !users.has(id)) ||
      (meter === null) !== (periodStartsAt === null) ||
      [sparks, quantity, allowance, budgeted].some((amount) => amount < 0n) ||
      expiresAt < createdAt
    if (isOdd) tell('hold_state', id, status, 'it must be open, captured by a row, released by a key, or expired')
  }
  const reserved = createTally()
  for (const { scope, held } of budgets) reserved.keep(scope, held)
  for (const hold of open) for (const scope of hold.budgets) reserved.add(scope, hold.budgeted)
  reserved.compare('budget_held', tell)
  const total = sumOf(entries.map(({ amount }) => amount))
  if (state.balance !== total) tell('balance', accountId, state.balance, total)
  const rest = sumOf(grants.map(({ remaining }) => remaining))
  if (rest !== positive(state.balance)) tell('open_grants', accountId, rest, positive(state.balance))
  const held = sumOf(open.map(({ sparks }) => sparks))
  if (state.held !== held) tell('held', accountId, state.held, held)
}

/** The grant a row opened, with its amount; what is given back beyond what was burned has one, too. */
function openedBy({ id, operation, corrects, amount, burns }: LedgerEntry): readonly (readonly [string, bigint])[] {
  if (operation === 'grant') return [[id, amount]]
  if (operation === 'renew') return [[`grt_${id.slice(4)}`, amount]]
  if (operation === 'adjust' && corrects === null) return amount > 0n ? [[`grt_${id}`, amount]] : []
  return burns.flatMap((burn) => (burn.grantId === `grt_${id}` ? [[burn.grantId, -burn.amount] as const] : []))
}

function termsOf({ id, operation, counterAccount, corrects, recordedAt, reason }: LedgerEntry): string {
  const isGrant = operation === 'grant' || operation === 'renew'
  const isAdjusted = operation === 'adjust' && corrects === null
  const kind = isGrant ? counterAccount.slice(7) : isAdjusted ? 'promotional' : 'paid'
  const origin = operation !== 'renew' ? 'once' : id.startsWith('ent_plan.') ? 'plan' : 'rollover'
  return `${kind} ${origin} ${recordedAt} ${reason}`
}

function positive(amount: bigint): bigint {
  return amount > 0n ? amount : 0n
}
