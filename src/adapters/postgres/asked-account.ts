import type { Counter, LoadKey } from '../../core/domain/ledger/state.js'
import { type CounterRange, widen } from '../sql/counter-ranges.js'
import type { RecentAccount, RecentAccounts } from './recent-accounts.js'

/** What a batch asks of an account. */
export interface AskedAccount {
  readonly accountId: string
  /** How it was left when it was last used here. */
  readonly recent: RecentAccount | undefined
  /** What is known of it; nothing while it has to be read. */
  known: RecentAccount | undefined
  /** The moments of its meters at which counters are asked for. */
  readonly ranges: CounterRange[]
  /** The budgets that are asked for; nothing while there are none. */
  scopes: Set<string> | undefined
  /** The counters that were found. */
  readonly counters: Counter[]
}

/** What a batch asks, the frequent things by account. */
export interface Asked {
  readonly accounts: ReadonlyMap<string, AskedAccount>
  readonly used: readonly Extract<LoadKey, { kind: 'key' }>[]
  readonly others: readonly LoadKey[]
}

/** @param recent takes out of this what is known; nothing is where a transaction of the app may have changed it */
export function askedAccounts(keys: readonly LoadKey[], recent: RecentAccounts | null): Asked {
  const accounts = new Map<string, AskedAccount>()
  const used: Extract<LoadKey, { kind: 'key' }>[] = []
  const others: LoadKey[] = []
  let latest: AskedAccount | undefined
  const of = (accountId: string): AskedAccount => {
    if (latest?.accountId === accountId) return latest
    latest = accounts.get(accountId)
    if (latest) return latest
    const known = recent?.take(accountId)
    latest = {
      accountId,
      recent: known,
      known: known?.doubt === 0 ? known : undefined,
      ranges: [],
      scopes: undefined,
      counters: [],
    }
    accounts.set(accountId, latest)
    return latest
  }
  for (const key of keys) {
    switch (key.kind) {
      case 'account':
        of(key.accountId)
        break
      case 'key':
        used.push(key)
        break
      case 'counter':
        addMoment(of(key.accountId), key.meter, key.at)
        break
      case 'budget': {
        const account = of(key.accountId)
        account.scopes ??= new Set()
        account.scopes.add(key.scope)
        break
      }
      default:
        others.push(key)
    }
  }
  return { accounts, used, others }
}

function addMoment({ accountId, ranges }: AskedAccount, meter: string, at: number | null): void {
  for (const range of ranges) {
    if (range.meter !== meter || (range.low === null) !== (at === null)) continue
    widen(range, at)
    return
  }
  ranges.push({ accountId, meter, low: at, high: at })
}

/** Whether each moment of a range lies in one of the counters; what is made elsewhere depends on its neighbours. */
export function isCovered({ meter, low, high }: CounterRange, counters: Iterable<Counter>, now: number): boolean {
  const last = high ?? now
  let moment = low ?? now
  // Each round leaves a counter behind.
  for (;;) {
    const start = moment
    for (const counter of counters)
      if (counter.meter === meter && counter.startsAt <= moment && moment < counter.endsAt) moment = counter.endsAt
    if (moment > last) return true
    if (moment === start) return false
  }
}

/** What is to be read of accounts. */
export interface Wanted {
  /** Accounts of which nothing is known. */
  readonly whole: string[]
  readonly ranges: CounterRange[]
  /** Budgets, and the accounts that have them. */
  readonly scopes: Set<string>
  readonly budgeted: string[]
}

/** What is asked of accounts and not known. */
export function wantedOf(accounts: Iterable<AskedAccount>): Wanted {
  const wanted: Wanted = { whole: [], ranges: [], scopes: new Set(), budgeted: [] }
  for (const { accountId, known, ranges, scopes } of accounts) {
    if (!known) wanted.whole.push(accountId)
    for (const range of ranges) if (!known || !isKnown(range, known)) wanted.ranges.push(range)
    if (!scopes) continue
    let lacksSome = false
    for (const scope of scopes) {
      if (known?.budgets.has(scope)) continue
      wanted.scopes.add(scope)
      lacksSome = true
    }
    if (lacksSome) wanted.budgeted.push(accountId)
  }
  return wanted
}

/** Of now, whose time only the server knows, any counter is taken for the one that contains it, until it is known better. */
function isKnown(range: CounterRange, known: RecentAccount): boolean {
  const counter = known.counters.get(range.meter)
  return counter !== undefined && (range.low === null || isCovered(range, [counter], range.low))
}
