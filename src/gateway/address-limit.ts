/** Networks remembered at once; with more of them the oldest is forgotten. */
const maximumNetworks = 100_000
const dayMs = 86_400_000

/** Says whether one more may come from a network today, and counts it. Days are UTC. */
export function createAddressLimit(perDay: number, now: () => number): (network: string) => boolean {
  let day = -1
  let counts = new Map<string, number>()
  return (network) => {
    const today = Math.floor(now() / dayMs)
    if (today !== day) {
      day = today
      counts = new Map()
    }
    const count = counts.get(network) ?? 0
    if (count >= perDay) return false
    if (count === 0 && counts.size >= maximumNetworks) counts.delete(counts.keys().next().value ?? '')
    counts.set(network, count + 1)
    return true
  }
}

/** The network an address is in: a /24 of IPv4, a /48 of IPv6, which is the least that one customer of a provider is usually given. */
export function addressPrefix(address: string | null): string {
  if (address === null) return 'unknown'
  const [plain = ''] = address
    .trim()
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .split('%', 1)
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain) ?? []
  const four = mapped ?? plain
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(four)) return `${four.split('.').slice(0, 3).join('.')}.0/24`
  if (!plain.includes(':') || !URL.canParse(`http://[${plain}]`)) return 'unknown'
  const [head = '', tail = ''] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const missing = 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array.from({ length: Math.max(missing, 0) }, () => '0'), ...groups(tail)]
  return `${all.slice(0, 3).join(':')}::/48`
}
