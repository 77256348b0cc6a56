import { type LoadKey, loadKeyId } from '../../core/domain/ledger/state.js'

/** Load keys of each kind; of those that are rare, each once. */
export type ByKind = { readonly [Kind in LoadKey['kind']]: Extract<LoadKey, { kind: Kind }>[] }

export function byKind(keys: readonly LoadKey[]): ByKind {
  const kinds: ByKind = {
    account: [],
    budget: [],
    payment: [],
    entry: [],
    level: [],
    accruals: [],
    seen: [],
    grant: [],
    key: [],
    hold: [],
    counter: [],
    hold_counter: [],
    counters: [],
  }
  const named = new Set<string>()
  for (const key of keys) {
    if (!isFrequent(key)) {
      const id = loadKeyId(key)
      if (named.has(id)) continue
      named.add(id)
    }
    ;(kinds[key.kind] as LoadKey[]).push(key)
  }
  return kinds
}

/** What nearly every command names; who reads these minds no repetition. */
function isFrequent({ kind }: LoadKey): boolean {
  return kind === 'account' || kind === 'key' || kind === 'counter' || kind === 'budget'
}
