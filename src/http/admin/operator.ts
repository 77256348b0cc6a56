import type { Need } from '../billing.js'
import { orNobody } from '../identity.js'
import { RequestError } from '../request-error.js'

/**
 * What an operator may do: `accounts:read` looks at accounts, `accounts:write` suspends, resumes and ends their keys, `accounts:erase`
 * forgets whose they are, `credits:write` gives and
 * takes credits, `payments:write` approves, rejects and refunds, `sync:read` sees what waits and was given up, `sync:write` tries it again and
 * reconciles, `audit:read` sees who did what.
 */
export type OperatorScope =
  | 'accounts:read'
  | 'accounts:write'
  | 'accounts:erase'
  | 'credits:write'
  | 'payments:write'
  | 'sync:read'
  | 'sync:write'
  | 'audit:read'

/** Who acts for the house: said by the app, and by nobody else. */
export interface Operator {
  /** The app's name of the person or program; it is what the audit names. */
  readonly operatorId: string
  readonly scopes: readonly OperatorScope[]
  /** How the operator was recognised; see `Identity`. */
  readonly by?: 'cookie' | 'token'
}

/** Tells which operator calls; `null` for nobody. Called once a request, before anything of it is read. */
export type IdentifyOperator = (request: Request) => Operator | null | Promise<Operator | null>

/** What a route asks of an operator. */
export interface OperatorAccess {
  readonly scope: OperatorScope
  /** What the audit calls it; of routes that change something. */
  readonly action?: string
  readonly needs?: Need
}

/** @throws RequestError `unauthenticated` for nobody and where the app threw, `forbidden` without the scope */
export async function identifiedOperator(
  identify: IdentifyOperator,
  request: Request,
  { scope }: OperatorAccess,
  onThrown: (error: unknown) => void,
): Promise<Operator> {
  const operator = await orNobody(() => identify(request), onThrown)
  const { operatorId, scopes } = operator ?? {}
  if (!operator || typeof operatorId !== 'string' || operatorId === '' || !Array.isArray(scopes))
    throw new RequestError('unauthenticated', 'Sign in as an operator first.', { 'www-authenticate': 'Bearer' })
  if (!operator.scopes.includes(scope)) throw new RequestError('forbidden', `This needs the scope ${scope}.`)
  return operator
}
