import type { RequestHandler } from 'express'

/**
 * Refuses what another site makes a visitor's browser send: its forms post here with the visitor's cookies and need no script.
 * Browsers say where a request comes from, older ones by `Origin` alone; programs say neither and bring a key of their own.
 */
export const refuseCrossSite: RequestHandler = (request, _response, next) => {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isRead || isOurs(request.get('sec-fetch-site'), request.get('origin'), request.get('host'))) return next()
  next(Object.assign(new Error('This came from another site.'), { status: 403, expose: true }))
}

function isOurs(site: string | undefined, origin: string | undefined, host: string | undefined): boolean {
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}
