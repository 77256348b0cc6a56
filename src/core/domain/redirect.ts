import { BillingError } from '../errors.js'

/** The origins a customer may be sent back to, as configured and checked. */
export type AllowedOrigins = readonly [string, ...string[]]

/**
 * Checks configured origins: exact `https://host[:port]`, or `http` on this machine. No wildcard, path or user.
 *
 * @throws BillingError `config_invalid`
 */
export function parseAllowedOrigins(origins: readonly string[]): AllowedOrigins {
  const parsed = origins.map((origin) => {
    const url = tryUrl(origin)
    if (!url || origin.includes('*') || url.origin !== origin.replace(/\/$/, '') || !isWebAddress(url)) {
      const message = `redirects.allowedOrigins: ${JSON.stringify(origin)} is not an exact origin such as "https://app.example.com".`
      throw new BillingError('config_invalid', message)
    }
    return url.origin
  })
  const [first, ...rest] = parsed
  if (first === undefined)
    throw new BillingError('config_invalid', 'redirects.allowedOrigins must name at least one origin.')
  return [first, ...rest]
}

/**
 * The address a customer is sent back to, normalized: an absolute one at an allowed origin, or a path at the first of them.
 *
 * @throws BillingError `invalid_url` when it is no address or longer than 2,048 characters, `redirect_not_allowed`
 */
export function checkRedirect(address: unknown, allowed: AllowedOrigins, field: string): string {
  if (typeof address !== 'string' || address === '' || address.length > 2_048) {
    throw new BillingError('invalid_url', `${field} must be an address of at most 2,048 characters.`, {
      details: { field },
    })
  }
  const isPath = address.startsWith('/') && !address.startsWith('//') && !address.startsWith('/\\')
  // A URL parser strips tabs, line breaks and outer spaces silently; what was checked must be what is sent.
  const url = hasControl(address) ? undefined : isPath ? tryUrl(address, allowed[0]) : absolute(address)
  // `blob:https://allowed/x` has the allowed origin: the scheme is looked at by itself.
  if (url && isWebAddress(url) && allowed.includes(url.origin)) return url.href
  throw new BillingError(
    'redirect_not_allowed',
    `${field} must be a path, or an address at one of the configured origins.`,
    {
      details: { field, allowedOrigins: allowed },
    },
  )
}

/** `https:evil.com` is relative to a base and absolute without one: only what says `scheme://` is absolute. */
function absolute(address: string): URL | undefined {
  return /^[a-z]+:\/\//i.test(address) ? tryUrl(address) : undefined
}

function isWebAddress(url: URL): boolean {
  if (url.username || url.password) return false
  const isLocal = url.hostname === 'localhost' || url.hostname === '127.0.0.1' || url.hostname === '[::1]'
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)
}

function tryUrl(address: string, base?: string): URL | undefined {
  try {
    return new URL(address, base)
  } catch {
    return undefined
  }
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index += 1)
    if (text.charCodeAt(index) <= 0x20 || text.charCodeAt(index) === 0x7f) return true
  return false
}
