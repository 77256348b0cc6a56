import { addressPrefix } from './address.js'
import { deadline } from './deadline.js'

/**
 * Counts requests: any limiter of the package `rate-limiter-flexible`, such as one on Redis or PostgreSQL that all processes share, or one of
 * your own. `consume` resolves while there is room, and rejects with the same figures when there is none, or with an error.
 */
export interface RateLimiter {
  /** How many requests fit into its time. */
  readonly points: number
  /** How long its time is, in seconds. */
  readonly duration: number
  /** Counts one. */
  consume(key: string): Promise<RateLimitFigures>
}

/** How a count stands. */
export interface RateLimitFigures {
  readonly remainingPoints: number
  /** How long until it begins anew. */
  readonly msBeforeNext: number
}

/** How many requests in how many seconds, counted in this process; or a limiter. */
export type RateLimit = { readonly requests: number; readonly seconds: number } | RateLimiter

/** What is counted by the address it comes from. */
export interface AddressRateLimit {
  /** Requests of an address; of IPv6 those of its /64. Webhooks are counted apart: providers have few addresses and send in bursts. */
  readonly address?: RateLimit
  /** Webhooks of an address, from which some may come that nobody signed. Generous: what is refused comes again, later. */
  readonly webhookAddress?: RateLimit
  /** The address that a request comes from, as a proxy that you trust says it; without one it is not counted by address. */
  readonly addressOf?: (request: Request) => string | null
}

/** Counts of one handler. */
export interface RateLimits {
  /** Counts a request of somebody; `null` where such are not counted. */
  take(who: string, key: string, onError: (error: unknown) => void): Promise<RateLimitStanding | null>
  /** What a request is counted by whose sender is not known yet, if it is. */
  prefixOf(request: Request): string | null
}

/** @throws TypeError for a limit that is none */
export function createRateLimits({
  addressOf,
  ...limits
}: AddressRateLimit & Readonly<Record<string, unknown>>): RateLimits {
  const counters = new Map(
    Object.entries(limits).flatMap(([who, limit]) =>
      limit === undefined ? [] : [[who, counterOf(who, limit as RateLimit)] as const],
    ),
  )
  const byAddress = ['address', 'webhookAddress'].find((who) => counters.has(who))
  if (byAddress && !addressOf)
    throw new TypeError(
      `rateLimits: give \`addressOf\`, which says where a request comes from, beside \`${byAddress}\`.`,
    )
  return {
    async take(who, key, onError) {
      const counter = counters.get(who)
      return counter ? counted(counter, `${who}:${key}`, onError) : null
    },
    prefixOf(request) {
      const address = addressOf?.(request)
      return address ? addressPrefix(address) : null
    },
  }
}

/** How the limit stands that has least room, as it is told in headers. */
export interface RateLimitStanding {
  readonly limit: number
  readonly remaining: number
  readonly resetMs: number
  /** Whether there was no room for the request. */
  readonly isOver: boolean
}

/** The headers that most libraries write and read. @see draft-ietf-httpapi-ratelimit-headers-06 */
export function rateLimitHeaders({ limit, remaining, resetMs }: RateLimitStanding): Readonly<Record<string, string>> {
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(Math.max(0, remaining)),
    'ratelimit-reset': String(Math.ceil(resetMs / 1_000)),
  }
}

interface Counter {
  readonly limiter: RateLimiter
  /** What counts where that one cannot: a limit is never off because something else is. */
  readonly inProcess: RateLimiter
}

function counterOf(who: string, limit: RateLimit): Counter {
  const isLimiter = 'consume' in limit
  const [points, duration] = isLimiter ? [limit.points, limit.duration] : [limit.requests, limit.seconds]
  if (!Number.isInteger(points) || points < 1 || !(duration > 0))
    throw new TypeError(`rateLimits.${who}: give { requests, seconds }, or a limiter of rate-limiter-flexible.`)
  const inProcess = countInProcess(points, duration)
  return { limiter: isLimiter ? limit : inProcess, inProcess }
}

async function counted(
  { limiter, inProcess }: Counter,
  key: string,
  onError: (error: unknown) => void,
): Promise<RateLimitStanding> {
  const standing = ({ remainingPoints, msBeforeNext }: RateLimitFigures, isOver: boolean) => ({
    ...{ limit: limiter.points, remaining: remainingPoints, resetMs: msBeforeNext, isOver },
  })
  for (const each of [limiter, inProcess])
    try {
      return standing(await inTime(each.consume(key)), false)
    } catch (reason) {
      if (isFigures(reason)) return standing(reason, true)
      onError(reason)
    }
  return standing({ remainingPoints: 0, msBeforeNext: 1_000 }, true)
}

/** Clients of a database that is away often wait until it is back, and whoever asks them with it. */
const patienceMs = 1_000

function inTime<T>(counting: Promise<T>): Promise<T> {
  const late = deadline(patienceMs, () => new Error(`The limiter did not answer within ${patienceMs} ms.`))
  return Promise.race([counting, late.passed]).finally(late.end)
}

function isFigures(reason: unknown): reason is RateLimitFigures {
  return typeof reason === 'object' && reason !== null && 'msBeforeNext' in reason && !(reason instanceof Error)
}

/**
 * Counts in windows of time, from the first request of each. Keys stay in the order in which their windows end, and at most so many are counted:
 * what sends from many addresses must not fill the memory. The oldest counts are forgotten.
 */
export function countInProcess(points: number, duration: number, mostKeys = 100_000): RateLimiter {
  const windows = new Map<string, { used: number; readonly endsAt: number }>()

  function windowOf(key: string, now: number): { used: number; readonly endsAt: number } {
    for (const [oldest, { endsAt }] of windows) {
      if (endsAt > now && windows.size < mostKeys) break
      windows.delete(oldest)
    }
    const found = windows.get(key)
    if (found) return found
    const begun = { used: 0, endsAt: now + duration * 1_000 }
    windows.set(key, begun)
    return begun
  }

  return {
    points,
    duration,
    async consume(key) {
      const now = performance.now()
      const window = windowOf(key, now)
      window.used += 1
      const figures = { remainingPoints: Math.max(0, points - window.used), msBeforeNext: window.endsAt - now }
      if (window.used > points) throw figures
      return figures
    },
  }
}
