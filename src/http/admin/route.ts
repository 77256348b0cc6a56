import type { RouteConfig, RouteHandler } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { type App, type AppEnv, addGuardedRoute, countRequest, type Serving, takeBody } from '../app.js'
import { checkOrigin } from '../origin.js'
import { type IdentifyOperator, identifiedOperator, type OperatorAccess } from './operator.js'

/** What the routes of operators are made of. */
export interface AdminServed extends Serving {
  readonly identifyOperator: IdentifyOperator
}

/**
 * A route of operators: identity, scope, origin, body, fields, in this order. What one that changes something does is done between a record of
 * who asked for it and one of what came of it.
 */
export function addOperatorRoute<const R extends RouteConfig>(
  app: App,
  served: AdminServed,
  access: OperatorAccess,
  config: R,
  handler: RouteHandler<R, AppEnv>,
): void {
  const { action } = access
  const handle = handler as unknown as (context: Context<AppEnv>, next: () => Promise<void>) => Promise<Response>
  const audited: typeof handle = (context, next) => {
    if (action === undefined) return handle(context, next)
    const { operator, requestId } = context.var
    const accountId = context.req.param('account_id')
    const asked = { actor: operator.operatorId, action, requestId, facts: factsOf(context) }
    const named = { ...asked, ...(accountId === undefined ? {} : { accountId }) }
    return served.billing.audit.run(named, () => handle(context, next))
  }
  addGuardedRoute(app, access, config, guard(served, access), audited as never)
}

function guard(served: AdminServed, access: OperatorAccess): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const operator = await identifiedOperator(served.identifyOperator, context.req.raw, access, (error) =>
      served.onError(error, context.var.requestId),
    )
    context.set('operator', operator)
    await countRequest(context, served, 'operator', operator.operatorId)
    checkOrigin(context.req.raw, operator, served.allowedOrigins)
    await takeBody(context, served.limits)
    await next()
  }
}

/** What was asked for, as the audit keeps it: the fields that were checked, and the objects that the path names. */
function factsOf(context: Context<AppEnv>): Readonly<Record<string, string>> {
  const valid = context.req.valid as (target: string) => Readonly<Record<string, unknown>> | undefined
  const { account_id: _, ...named } = context.req.param() as Readonly<Record<string, string>>
  const key = context.req.header('idempotency-key')
  const facts = { ...valid.call(context.req, 'json'), ...named, ...(key === undefined ? {} : { idempotency_key: key }) }
  const texts = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(texts.map(([name, value]) => [name, String(value).slice(0, 500)]))
}
