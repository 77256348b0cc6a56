import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { BillingError } from '../index.js'

/** Where webhooks may be sent beside public addresses over https. */
export interface EgressOptions {
  /** `host:port` of endpoints that may be reached whatever their address, and over http: for tests, and networks of your own. */
  readonly allow?: readonly string[]
  /** Finds the addresses of a name. Default: the system's, as `dns.lookup` does. */
  readonly lookup?: LookupFunction
}

/** Decides where a request may go: by its URL before it is made, and by the address it really connects to. */
export interface Egress {
  /** @throws BillingError `config_invalid` for a URL that can never be sent to */
  check(name: string, url: string): URL
  /** A look-up of names that answers only addresses that may be connected to; the connection is made to what it answered. */
  lookupFor(url: URL): LookupFunction
}

// What is not reachable over the internet, or is somebody's own.
// @see https://www.iana.org/assignments/iana-ipv4-special-registry https://www.iana.org/assignments/iana-ipv6-special-registry
const refused = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  refused.addSubnet(network, prefix, 'ipv4')
// Addresses that carry another one: the one inside may be anybody's.
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  refused.addSubnet(network, prefix, 'ipv6')
/** Of IPv6 only this is given out to the public. */
const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')

/** Whether an address, written in any way, is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !refused.check(address, 'ipv4')
  if (family === 0) return false
  return globalUnicast.check(address, 'ipv6') && !refused.check(address, 'ipv6')
}

export function createEgress({ allow = [], lookup = systemLookup as LookupFunction }: EgressOptions = {}): Egress {
  const allowed = new Set(allow)
  const isAllowed = ({ hostname, port, protocol }: URL) =>
    allowed.has(`${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`)

  return {
    check(name, text) {
      const refuse = (what: string) => new BillingError('config_invalid', `Webhook endpoint ${name}: ${what}.`)
      const url = URL.canParse(text) ? new URL(text) : null
      if (!url || typeof text !== 'string' || text.length > 2_048) throw refuse('its url is none')
      if (url.username !== '' || url.password !== '') throw refuse('its url must not carry a name or password')
      if (isAllowed(url) && (url.protocol === 'http:' || url.protocol === 'https:')) return url
      if (url.protocol !== 'https:') throw refuse('its url must be https')
      // `new URL` has written every form of an IPv4 address as four numbers.
      const host = bare(url.hostname)
      if (isIP(host) !== 0 && !isPublicAddress(host)) throw refuse('its address is not one of the public internet')
      return url
    },
    lookupFor(url) {
      if (isAllowed(url)) return lookup
      return (hostname, options, callback) => {
        lookup(hostname, { ...options, all: true }, (error, found) => {
          if (error) return callback(error, '')
          const addresses = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }]
          // One that is not public among others is what a name says that leads to two places: nothing is sent to either.
          if (addresses.length === 0 || !addresses.every(({ address }) => isPublicAddress(address)))
            return callback(new Error('its name leads to an address that is not one of the public internet'), '')
          const [first] = addresses
          if (options.all) return callback(null, addresses)
          callback(null, first?.address ?? '', first?.family)
        })
      }
    },
  }
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}
