import { BillingError } from '../index.js'
import type { Need } from './billing.js'
import { RequestError } from './request-error.js'

/**
 * What a caller may do: `billing:read` looks, `billing:pay` buys and pays, `billing:admin` changes what the account pays with and what it
 * is subscribed to, `usage:write` records usage.
 */
export type Scope = (typeof scopes)[number]

/** All there are. */
export const scopes = ['billing:read', 'billing:pay', 'billing:admin', 'usage:write'] as const

/** Who calls: said by the app, and by nobody else. */
export interface Identity {
  /** The caller's account: what routes without an `{organization_id}` are about. */
  readonly accountId: string
  /** Other accounts that an `{organization_id}` may name. */
  readonly organizationIds?: readonly string[]
  readonly userId?: string
  /** The API key the caller is known by: usage that it records is its own. */
  readonly apiKeyId?: string
  /** Who the caller's account is, when it is new and looked at for the first time. */
  readonly email?: string
  readonly name?: string
  readonly scopes: readonly Scope[]
  /**
   * How the caller was recognised. Writes of a caller known by a cookie are taken only from pages of an allowed origin. Default: `token` for
   * requests with an `Authorization` header that no browser sends by itself, as it does `Basic`, else `cookie`.
   */
  readonly by?: 'cookie' | 'token'
}

/** Tells who calls; `null` for nobody. Called once a request, before anything of it is read. */
export type Identify = (request: Request) => Identity | null | Promise<Identity | null>

/** What a route asks of its caller. */
export interface Access {
  readonly scope: Scope
  /** Whose it is: the account that the path names, or the caller's own. */
  readonly account: 'path' | 'own'
  /** What the service must have for it; without it the route answers `capability_missing` and is in no document. */
  readonly needs?: Need
}

/** @throws RequestError `unauthenticated` for nobody, for whoever the app did not name in full, and where it threw */
export async function identified(
  identify: Identify,
  request: Request,
  onThrown: (error: unknown) => void,
): Promise<Identity> {
  const identity = await orNobody(() => identify(request), onThrown)
  const { accountId, scopes, organizationIds = [] } = identity ?? {}
  const isWhole = typeof accountId === 'string' && accountId !== '' && Array.isArray(scopes)
  // Text has letters as a list has names, and would grant accounts that are called by one.
  if (identity && isWhole && Array.isArray(organizationIds)) return identity
  throw new RequestError('unauthenticated', 'Sign in first.', { 'www-authenticate': 'Bearer' })
}

/** Who calls, as the app says; nobody where it throws. What Billfold itself throws, such as that the store is away, is answered as everywhere. */
export async function orNobody<T>(
  identify: () => T | null | Promise<T | null>,
  onThrown: (error: unknown) => void,
): Promise<T | null> {
  try {
    return await identify()
  } catch (thrown) {
    if (BillingError.is(thrown)) throw thrown
    onThrown(thrown)
    return null
  }
}

/** The account a request is about. @throws RequestError `forbidden`, `not_found` (another's account is as one that is not there) */
export function authorized(identity: Identity, access: Access, organizationId: string | undefined): string {
  requireScope(identity, access.scope)
  // A route that names no account is about the caller's own, unless the request says which of those granted it means.
  if (access.account === 'own' && organizationId === undefined) return identity.accountId
  const granted = [identity.accountId, ...(identity.organizationIds ?? [])]
  if (organizationId !== undefined && granted.includes(organizationId)) return organizationId
  throw new RequestError('not_found', 'There is no such account.')
}

/** @throws RequestError `forbidden` */
export function requireScope({ scopes }: Identity, scope: Scope): void {
  if (!scopes.includes(scope)) throw new RequestError('forbidden', `This needs the scope ${scope}.`)
}
