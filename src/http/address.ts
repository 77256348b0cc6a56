/**
 * What an address is counted by: an IPv4 address, or the first half of an IPv6 one, since whoever has one of its addresses has all of them.
 * What is no address is counted as it is.
 */
export function addressPrefix(address: string): string {
  const bare = address
    .trim()
    .replace(/^\[(.*)\](?::\d+)?$/, '$1')
    .replace(/%.*$/, '')
    .toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1]
  if (mapped) return mapped
  if (!bare.includes(':') || bare.includes('.')) return bare.replace(/:\d+$/, '').slice(0, 100)
  const [head = '', tail] = bare.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length)
  const whole = [...groups, ...Array.from({ length: zeros }, () => '0'), ...rest]
  const prefix = whole.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''))
  return `${prefix.join(':')}::/64`.slice(0, 100)
}
