/** Values by account and a name that is nearly always the only one of its kind: then the name alone finds it. */
export interface PerAccount<T extends { readonly accountId: string }> {
  get(accountId: string, name: string): T | undefined
  set(name: string, value: T): void
}

export function perAccount<T extends { readonly accountId: string }>(): PerAccount<T> {
  const first = new Map<string, T>()
  /** Of other accounts than the first with their name. */
  const others = new Map<string, T>()
  return {
    get(accountId, name) {
      const found = first.get(name)
      if (found === undefined || found.accountId === accountId) return found
      return others.get(pair(accountId, name))
    },
    set(name, value) {
      const found = first.get(name)
      if (found === undefined || found.accountId === value.accountId) first.set(name, value)
      else others.set(pair(value.accountId, name), value)
    },
  }
}

/** Joined by what no id contains. */
function pair(accountId: string, name: string): string {
  return `${accountId}|${name}`
}
