import type { MicroSparks } from '../sparks.js'
import { collectedBy, collectedOf, collectedParts } from './collected-parts.js'
import { collectorAt } from './collector.js'
import { type Draft, entryWithCorrections, findEntry, type Told } from './draft.js'
import type { SettledBy } from './outcome.js'
import type { AccountState, EntryUsage, LedgerEntry } from './state.js'

/** Under which a provider is told of usage that it does not collect: apart from what it charges, so that it never charges this. */
export function shadowDestination(provider: string): string {
  return `${shadowPrefix}${provider}`
}

export const shadowPrefix = 'shadow:'

/**
 * What metering providers are told of usage. Of a plan with overage that is what is to be collected, of other plans everything. What
 * corrects a row is told as the row was, whatever the plan is by now; once anything of the row is collected, only what is.
 */
export function toldOf(draft: Draft, account: AccountState, { corrects }: LedgerEntry, usage: EntryUsage): Told {
  const collector = collectorAt(draft.rules, account, usage.occurredAt)
  const hasOverage = draft.rules.catalog.plans.get(account.plan)?.overage ?? false
  const { settledBy, sparks } = usage
  const isCollected =
    corrects === null
      ? hasOverage
      : collectedParts(settledBy).length > 0 || wasCollected(draft, account.id, corrects, hasOverage)
  if (isCollected) return { parts: collectedParts(settledBy), sparks: collectedOf(settledBy), isCollected }
  return { parts: collector === null ? [] : [[collector, sparks]], sparks, isCollected }
}

/** Whether only what is collected of a row was told; one that nobody was told of had nothing to be collected, unless it cost nothing. */
function wasCollected(draft: Draft, accountId: string, entryId: string, hasOverage: boolean): boolean {
  const entry = findEntry(draft, accountId, entryId)
  if (!entry?.usage) return hasOverage
  const rows = entryWithCorrections(draft, entry)
  if (rows.some((row) => row.usage && collectedParts(row.usage.settledBy).length > 0)) return true
  if (entry.usage.sparks === 0n) return hasOverage
  const posted = draft.entries.find((each) => each.entry === entry)
  if (posted?.told) return posted.told.isCollected
  const { metering, collecting } = draft.rules
  return !Object.keys(entry.deliveries).some(
    (name) => name.startsWith(shadowPrefix) || metering.includes(name) || name === collecting,
  )
}

/** What a destination is told of a row where that is what somebody collects; `undefined` where everyone is told of everything. */
export function collectedFor(settledBy: SettledBy, destination: string): MicroSparks | undefined {
  if (!destination.startsWith(shadowPrefix)) return settledBy[`${collectedBy}${destination}`]
  const others = collectedParts(settledBy).filter(([provider]) => shadowDestination(provider) !== destination)
  return others.length === 0 ? undefined : others.reduce((sum, [, sparks]) => sum + sparks, 0n)
}
