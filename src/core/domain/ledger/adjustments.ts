import { formatSparks } from '../sparks.js'
import type { AdjustCommand } from './command.js'
import { type Draft, entryWithCorrections, findEntry, netBurns } from './draft.js'
import { addExpired } from './expiry.js'
import { addCredits } from './new-credits.js'
import type { LedgerOutcome } from './outcome.js'
import { accountOf, entryResult, post, refused, storable } from './posting.js'
import { recheckQuotas } from './quotas.js'
import type { LedgerEntry, LoadKey } from './state.js'
import { leftToTake } from './taken.js'

export function adjustNeeds({ accountId, dedupe, reverses }: AdjustCommand): readonly LoadKey[] {
  const cause: LoadKey[] = reverses === null ? [] : [{ kind: 'entry', accountId, entryId: reverses }]
  return [{ kind: 'account', accountId }, { kind: 'key', accountId, dedupe }, { kind: 'counters', accountId }, ...cause]
}

/** Corrects a balance by hand, or takes back what a row did. */
export function decideAdjust(draft: Draft, command: AdjustCommand): LedgerOutcome {
  if (command.reverses !== null) return reverse(draft, command, command.reverses)
  const { accountId, id, reason } = command
  const amount = command.amount ?? 0n
  const account = accountOf(draft, accountId)
  storable(account.balance + amount, 'The balance')
  const row = { command, operation: 'adjust', counterAccount: 'adjustments' } as const
  const outcome =
    amount > 0n
      ? addCredits(
          draft,
          { id: `grt_${id}`, kind: 'promotional', origin: 'once', amount, priority: 0, expiresAt: null, reason },
          row,
        )
      : post(draft, { ...row, amount, reason, usage: null }, entryResult(id, amount))
  recheckQuotas(draft, accountId)
  return outcome
}

function reverse(draft: Draft, command: AdjustCommand, entryId: string): LedgerOutcome {
  const { accountId, id, reason } = command
  const entry = findEntry(draft, accountId, entryId)
  if (!entry) return refused('not_found', `No ledger row ${entryId} on account ${accountId}.`, { id: entryId })
  if (entry.corrects !== null) {
    const message = `Row ${entryId} corrects row ${entry.corrects}: reverse that one, or adjust the balance.`
    return refused('invalid_state', message, { id: entryId })
  }
  if (isUsageOfMeter(entry))
    return refused('invalid_state', `Row ${entryId} is usage: amend or void it.`, { id: entryId })

  const rows = entryWithCorrections(draft, entry)
  const left = entry.amount > 0n ? leftToTake(draft, entry) : rows.reduce((sum, row) => sum + row.amount, 0n)
  const amount = command.amount ?? -left
  const isWithin = left > 0n ? amount < 0n && -amount <= left : amount > 0n && amount <= -left
  if (!isWithin) {
    const rest = `${formatSparks(left)} Sparks are left of it`
    return refused('refund_exceeds_original', `Row ${entryId} cannot be reversed by this much: ${rest}.`, {
      id: entryId,
      leftSparks: left,
    })
  }
  storable(accountOf(draft, accountId).balance + amount, 'The balance')
  const opened = entry.burns.find((burn) => burn.amount < 0n)
  const outcome = post(
    draft,
    {
      command,
      operation: 'adjust',
      counterAccount: 'adjustments',
      amount,
      reason,
      usage: null,
      corrects: entryId,
      ...(opened ? { takesFirst: opened.grantId } : {}),
      givesBack: netBurns(rows),
    },
    entryResult(id, amount),
  )
  const [expired] = entry.operation === 'expire' ? entry.burns : []
  if (expired) addExpired(draft, accountId, expired.grantId, -amount)
  recheckQuotas(draft, accountId)
  return outcome
}

/** A capture of a hold without a meter keeps what it took as usage of no meter; nothing else counts it. */
function isUsageOfMeter({ usage }: LedgerEntry): boolean {
  return usage !== null && usage.meter !== ''
}
