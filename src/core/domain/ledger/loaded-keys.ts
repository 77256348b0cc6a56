import { type LoadKey, loadKeyId } from './state.js'

/** The load keys that a store answered. */
export interface LoadedKeys {
  has(key: LoadKey): boolean
  /** The same for an idempotency key, of which there is one for nearly every command. */
  hasDedupe(dedupe: string): boolean
}

/** Made when they are first asked for: most batches ask only for idempotency keys. */
export function loadedKeys(keys: readonly LoadKey[]): LoadedKeys {
  let ids: ReadonlySet<string> | undefined
  let dedupes: ReadonlySet<string> | undefined
  return {
    has(key) {
      ids ??= new Set(keys.map(loadKeyId))
      return ids.has(loadKeyId(key))
    },
    hasDedupe(dedupe) {
      dedupes ??= dedupesOf(keys)
      return dedupes.has(dedupe)
    },
  }
}

function dedupesOf(keys: readonly LoadKey[]): ReadonlySet<string> {
  const dedupes = new Set<string>()
  for (const key of keys) if (key.kind === 'key') dedupes.add(key.dedupe)
  return dedupes
}
