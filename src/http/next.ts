import type { MountedHandler } from './mounted.js'

export type { MountedHandler }

/** The functions that a route of Next's app router exports. */
export type NextRouteHandlers = Readonly<
  Record<'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS', (request: Request) => Promise<Response>>
>

/**
 * A handler as a route of Next's app router, in `app/api/billing/[...path]/route.ts`; elsewhere its `basePath` has to say so.
 *
 * @example export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = toNext(createHandler(billing, { identify }))
 */
export function toNext(handler: MountedHandler): NextRouteHandlers {
  const handle = (request: Request) => handler(request)
  return {
    GET: handle,
    HEAD: handle,
    POST: handle,
    PUT: handle,
    PATCH: handle,
    DELETE: handle,
    OPTIONS: handle,
  }
}
