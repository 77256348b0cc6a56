import { type Instant, periodAt } from '../period.js'
import { cycleOf } from './current-quota.js'
import { currentCounters, type Draft, setAccount } from './draft.js'
import type { AccountState, Collector, LedgerRules, PaidPlan } from './state.js'

/**
 * Who collects what an account used at a moment: one provider, whatever is configured by now. It is a fact of the account, since a unit
 * of usage must be charged by whoever was to charge it when it was used, and by nobody else.
 */
export function collectorAt(
  { collecting }: Pick<LedgerRules, 'collecting'>,
  { collectors }: Pick<AccountState, 'collectors'>,
  at: Instant,
): string | null {
  let found = collectors[0]?.provider ?? collecting
  for (const { provider, from } of collectors) if (from <= at) found = provider
  return found
}

/** Writes down who collects, where nobody did before: from then on another configuration changes nothing for this account. */
export function keepCollector(draft: Draft, account: AccountState): void {
  const { collecting: provider } = draft.rules
  if (account.collectors.length === 0 && provider !== null)
    setAccount(draft, { ...account, collectors: [{ provider, from: 0 }] })
}

/** Has another provider collect from the next period on; the one that does already goes on, whatever was planned. */
export function promoteCollector(draft: Draft, account: AccountState, provider: string): readonly Collector[] {
  const begun = account.collectors.filter(({ from }) => from <= draft.now)
  const { collecting } = draft.rules
  const present = begun.length > 0 || collecting === null ? begun : [{ provider: collecting, from: 0 }]
  if (present.at(-1)?.provider === provider) return present
  return [...present, { provider, from: nextPeriod(draft, account) }]
}

/**
 * Who collects after a change of the subscription that an account's plan comes with. A new one is collected where it is, from now on:
 * what is sold there has the prices of usage in it. When it ends it is the configured provider's turn again.
 */
export function followSubscription(draft: Draft, before: AccountState, after: AccountState): readonly Collector[] {
  const { collectors } = after
  const current = collectorAt(draft.rules, after, draft.now)
  const next = collectorAfter(draft.rules, current, before.paidPlan, after.paidPlan)
  const aligned = alignPlanned(draft, after)
  if (next === null || next === current) return aligned
  const from = collectors.length === 0 ? 0 : draft.now
  // Of two that begin at the same moment only the later one would ever collect.
  const past = aligned.filter((each) => each.from < from)
  const planned = aligned.filter((each) => each.from > draft.now && each.provider !== next)
  return [...past, { provider: next, from }, ...planned]
}

/** Who is to collect from the next period on does so from when it begins by now. */
export function alignPlanned(draft: Draft, account: AccountState): readonly Collector[] {
  return account.collectors.map((each) =>
    each.from > draft.now ? { ...each, from: nextPeriod(draft, account) } : each,
  )
}

function collectorAfter(
  { metering, collecting }: LedgerRules,
  current: string | null,
  old: PaidPlan | null,
  now: PaidPlan | null,
): string | null {
  if (now !== null) return now.source !== old?.source && metering.includes(now.provider) ? now.provider : null
  // One that collects for another reason than that subscription goes on.
  return old !== null && current === old.provider ? collecting : null
}

function nextPeriod(draft: Draft, account: AccountState): Instant {
  const ends = currentCounters(draft, account.id).map(({ endsAt }) => endsAt)
  return Math.max(periodAt(draft.now, cycleOf(account)).endsAt, ...ends)
}
