import { BillingError, invariant } from '../../errors.js'
import { type AccountDraft, takeChanged, takeSlot, takeValues } from './account-draft.js'
import { accountNeeds, changePlanNeeds, decideChangePlan, decideChangeTerms, decideSuspend } from './accounts.js'
import { adjustNeeds, decideAdjust } from './adjustments.js'
import { amendNeeds, decideAmend } from './amendments.js'
import { decideRaiseBudget, decideSetBudget, setBudgetNeeds } from './budgets.js'
import type { LedgerCommand } from './command.js'
import {
  bringUpToDate,
  decideExpire,
  decideExpireGrant,
  decideGrant,
  expireGrantNeeds,
  expireNeeds,
  grantNeeds,
} from './credits.js'
import { planDeliveries } from './deliveries.js'
import { accountDraft, createDraft, type Draft, findKey, requireLoaded } from './draft.js'
import {
  captureNeeds,
  decideCapture,
  decideExtend,
  decideHold,
  decideRelease,
  extendNeeds,
  holdNeeds,
  releaseNeeds,
} from './holds.js'
import type { LedgerOutcome } from './outcome.js'
import { decideReversePayment, reversePaymentNeeds } from './payments.js'
import { refused } from './posting.js'
import type { LedgerRows, LedgerRules, LedgerState, LoadKey, NewDelivery } from './state.js'
import { askForTopUp } from './top-up.js'
import { addUsageNeeds, authorizeNeeds, decideAuthorize, decideUsage } from './usage.js'

/** What a store must load, under its locks, before it calls `apply` with these commands. */
export function needs(commands: readonly LedgerCommand[], rules: LedgerRules): readonly LoadKey[] {
  const keys: LoadKey[] = []
  for (const command of commands) {
    if (command.kind === 'usage') addUsageNeeds(keys, command, rules)
    else keys.push(...needsOf(command, rules))
  }
  return keys
}

function needsOf(command: Exclude<LedgerCommand, { kind: 'usage' }>, rules: LedgerRules): readonly LoadKey[] {
  switch (command.kind) {
    case 'amend':
      return amendNeeds(command)
    case 'authorize':
      return authorizeNeeds(command, rules)
    case 'hold':
      return holdNeeds(command)
    case 'extend':
      return extendNeeds(command)
    case 'capture':
      return captureNeeds(command)
    case 'release':
      return releaseNeeds(command)
    case 'grant':
      return grantNeeds(command)
    case 'adjust':
      return adjustNeeds(command)
    case 'expire_grant':
      return expireGrantNeeds(command)
    case 'reverse_payment':
      return reversePaymentNeeds(command)
    case 'expire':
      return expireNeeds(command)
    case 'set_budget':
    case 'raise_budget':
      return setBudgetNeeds(command)
    case 'change_plan':
      return changePlanNeeds(command)
    case 'change_terms':
    case 'suspend':
    case 'resume':
      return accountNeeds(command)
  }
}

/**
 * Decides a batch: one outcome per command, in order, and everything that changes. Pure; commands of a batch see what the ones
 * before them did. A refused command leaves its neighbours alone.
 *
 * @throws BillingError `invariant_violated` when the state lacks what `needs` named or would no longer add up
 */
export function apply(state: LedgerState, commands: readonly LedgerCommand[], rules: LedgerRules): Decided {
  return createDecider(state, rules)(commands)
}

/** What commands come to, and everything that they change. */
export interface Decided {
  readonly rows: LedgerRows
  readonly outcomes: readonly LedgerOutcome[]
}

/**
 * The same for a batch that comes in pieces, of which each sees what the ones before it did: a store may write what one changed while
 * the next is being decided. The state holds what all of them need.
 *
 * @throws BillingError as `apply` does
 */
export function createDecider(state: LedgerState, rules: LedgerRules): (commands: readonly LedgerCommand[]) => Decided {
  const draft = createDraft(state, rules)
  return (commands) => {
    const outcomes = commands.map((command) => decide(draft, command))
    return { rows: takeRows(draft, planDeliveries(draft)), outcomes }
  }
}

/** Everything that was changed since the last time. */
function takeRows(draft: Draft, deliveries: readonly NewDelivery[]): LedgerRows {
  const { entries, events } = draft
  draft.entries = []
  draft.events = []
  const rows: { readonly [Field in keyof LedgerRows]: LedgerRows[Field][number][] } = {
    accounts: [],
    grants: [],
    counters: [],
    holds: [],
    budgets: [],
    payments: [],
    levels: [],
    seen: [],
    entries: entries.map(({ entry }) => entry),
    rollups: [],
    deliveries: [...deliveries],
    events,
  }
  for (const account of draft.accounts.values()) {
    checkSums(account)
    if (account.row) takeSlot(account.row, rows.accounts)
    takeChanged(account.grants, rows.grants)
    takeChanged(account.counters, rows.counters)
    if (account.holds) takeValues(account.holds.values(), rows.holds)
    takeChanged(account.budgets, rows.budgets)
    takeValues(account.payments, rows.payments)
    takeValues(account.levels, rows.levels)
    takeValues(account.seen, rows.seen)
    if (account.rollups) for (const sums of account.rollups.values()) rows.rollups.push(...sums)
    account.rollups = null
  }
  return rows
}

function decide(draft: Draft, command: LedgerCommand): LedgerOutcome {
  const account = accountDraft(draft, command.accountId)
  // What is there was loaded; of usage, which is most of what comes, only what is missing is looked into.
  if (command.kind === 'usage' && account.row !== null && account.counters.length > 0)
    invariant(draft.loaded.hasDedupe(command.dedupe), 'the store did not load a key')
  else requireLoaded(draft, needs([command], draft.rules))
  if ('dedupe' in command) {
    const stored = findKey(draft, command.accountId, command.dedupe)
    if (stored?.fingerprint === command.fingerprint) return { status: 'duplicate', result: stored.result }
    if (stored) {
      return refused(
        'idempotency_conflict',
        `Key ${command.key} was used before with another body: use a new key for a new request.`,
        {
          accountId: command.accountId,
          idempotencyKey: command.key,
          id: stored.result.id,
        },
      )
    }
    if (command.refusal) return command.refusal
  }
  if (!account.row) {
    return refused('not_found', `No account ${command.accountId}: call accounts.ensure first.`, {
      accountId: command.accountId,
    })
  }
  draft.command = command.id
  if (command.kind !== 'expire' && !account.isUpToDate) bringUpToDate(draft, command.accountId)
  try {
    const outcome = decideFamily(draft, command)
    askForTopUp(draft, command.accountId)
    return outcome
  } catch (error) {
    // A command that does not fit its columns is refused before it wrote anything; everything else is a fault of the batch.
    if (BillingError.is(error) && error.code === 'amount_out_of_range')
      return refused(error.code, error.message, error.details)
    throw error
  }
}

function decideFamily(draft: Draft, command: LedgerCommand): LedgerOutcome {
  switch (command.kind) {
    case 'usage':
      return decideUsage(draft, command)
    case 'amend':
      return decideAmend(draft, command)
    case 'authorize':
      return decideAuthorize(draft, command)
    case 'hold':
      return decideHold(draft, command)
    case 'extend':
      return decideExtend(draft, command)
    case 'capture':
      return decideCapture(draft, command)
    case 'release':
      return decideRelease(draft, command)
    case 'grant':
      return decideGrant(draft, command)
    case 'adjust':
      return decideAdjust(draft, command)
    case 'expire_grant':
      return decideExpireGrant(draft, command)
    case 'reverse_payment':
      return decideReversePayment(draft, command)
    case 'expire':
      return decideExpire(draft, command)
    case 'set_budget':
      return decideSetBudget(draft, command)
    case 'raise_budget':
      return decideRaiseBudget(draft, command)
    case 'change_terms':
      return decideChangeTerms(draft, command)
    case 'change_plan':
      return decideChangePlan(draft, command)
    case 'suspend':
    case 'resume':
      return decideSuspend(draft, command)
  }
}

/** Open grants hold what the balance says, or the balance is debt and they hold nothing. */
function checkSums({ id: accountId, row, open }: AccountDraft): void {
  if (!row?.isChanged) return
  const { value: state } = row
  let left = 0n
  for (const { value } of open) left += value.remaining
  if (left === (state.balance > 0n ? state.balance : 0n) && state.held >= 0n) return
  throw new BillingError(
    'invariant_violated',
    'The open grants do not hold the balance, or more was freed than was held.',
    {
      details: { accountId, balance: state.balance.toString(), held: state.held.toString(), grants: left.toString() },
    },
  )
}
