import type { Context } from 'hono'
import type { AppEnv, RegisteredRoute } from './app.js'
import { RequestError } from './request-error.js'

/** Why nothing answers: no such path, or not by this method. */
export function notHere(context: Context<AppEnv>, basePath: string, routes: readonly RegisteredRoute[]): RequestError {
  const isUnder = context.req.path.startsWith(`${basePath}/`)
  const path = context.req.path.slice(basePath.length).replace(/\/$/, '')
  const methods = (isUnder ? routes : []).flatMap((route) =>
    fits(route.path, path) ? [route.method.toUpperCase()] : [],
  )
  if (methods.length === 0) return new RequestError('not_found', 'There is nothing here.')
  const allow = methods.join(', ')
  return new RequestError('method_not_allowed', `This is asked for by ${allow}.`, { allow })
}

/** Whether a path has the parts of a route's. */
function fits(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  return wanted.length === given.length && wanted.every((part, index) => part.startsWith('{') || part === given[index])
}
