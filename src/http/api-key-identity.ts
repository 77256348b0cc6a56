import type { ServedBilling } from './billing.js'
import { type Identify, type Identity, scopes } from './identity.js'

/**
 * Tells who calls by their API key in `Authorization: Bearer …`, for `createHandler` or for routes of your own. Who has no such header, or a
 * key that opens nothing, is nobody. Usage that is recorded by such a caller counts against the key's budget.
 *
 * @example
 * const byKey = apiKeyIdentity(billing)
 * createHandler(billing, { identify: async (request) => (await byKey(request)) ?? signedIn(request) })
 */
export function apiKeyIdentity({ apiKeys }: Pick<ServedBilling, 'apiKeys'>): Identify {
  return async (request): Promise<Identity | null> => {
    const [, key] = /^bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '') ?? []
    if (key === undefined) return null
    const known = await apiKeys.verify({ key })
    if (!known.valid) return null
    const granted = scopes.filter((scope) => known.scopes.includes(scope))
    return { accountId: known.accountId, apiKeyId: known.keyId, scopes: granted, by: 'token' }
  }
}
