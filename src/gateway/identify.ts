import type { BillingCore } from '../index.js'
import type { GatewayCaller } from './caller.js'
import { GatewayError } from './gateway-error.js'

/** Tells who calls; `null` for nobody. */
export type IdentifyCaller = (request: Request) => GatewayCaller | null | Promise<GatewayCaller | null>

/** @throws GatewayError `invalid_api_key` */
export async function identified(identify: IdentifyCaller, request: Request): Promise<GatewayCaller> {
  const caller = await identify(request)
  if (caller && typeof caller.accountId === 'string' && caller.accountId !== '') return caller
  const headers = { 'www-authenticate': 'Bearer' }
  throw new GatewayError(401, 'invalid_api_key', 'Give a valid API key as a bearer token.', {}, headers)
}

/** Callers by their API key. One that has not the scope is told that it is missing. */
export function byApiKey({ apiKeys }: Pick<BillingCore, 'apiKeys'>, scope: string): IdentifyCaller {
  return async (request) => {
    const key = keyOf(request)
    if (key === null) return null
    const found = await apiKeys.verify({ key })
    if (!found.valid) return null
    if (!found.scopes.includes(scope)) throw new GatewayError(403, 'forbidden', `This key has not the scope ${scope}.`)
    return { accountId: found.accountId, apiKeyId: found.keyId }
  }
}

/** Where the official clients put a key; never the address, which ends up in logs. */
function keyOf(request: Request): string | null {
  const [, bearer] = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  return bearer ?? request.headers.get('x-api-key')
}
