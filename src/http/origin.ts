import type { Identity } from './identity.js'
import { RequestError } from './request-error.js'

/**
 * A browser sends cookies along with what another site's page asks for. Writes of a caller known by a cookie are taken only where the
 * browser says that the page is of this origin or of one that is listed.
 *
 * @throws RequestError `csrf_failed`
 */
export function checkOrigin(request: Request, { by }: Pick<Identity, 'by'>, allowed: readonly string[]): void {
  if (request.method === 'GET' || request.method === 'HEAD') return
  const isByToken = by ? by === 'token' : isSentOnPurpose(request.headers.get('authorization'))
  if (isByToken) return
  const site = request.headers.get('sec-fetch-site')
  if (site === 'same-origin' || site === 'none') return
  const origin = request.headers.get('origin')
  if (origin !== null && (origin === new URL(request.url).origin || allowed.includes(origin))) return
  throw new RequestError('csrf_failed', 'This was not asked for by a page of this site.')
}

/** Browsers send what people were asked for by these schemes with each request, as they do cookies. */
function isSentOnPurpose(authorization: string | null): boolean {
  return authorization !== null && !/^\s*(?:basic|digest|negotiate|ntlm)\b/i.test(authorization)
}
