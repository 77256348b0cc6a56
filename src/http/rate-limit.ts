import type { Context } from 'hono'
import { addressPrefix } from './address.js'
import type { AppEnv } from './app.js'
import { RequestError } from './request-error.js'

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
  /** Requests of an address; of IPv6 those of its /64. Webhooks are not counted: providers have few addresses and send in bursts. */
  readonly address?: RateLimit
  /** The address that a request comes from, as a proxy that you trust says it; without one it is not counted by address. */
  readonly addressOf?: (request: Request) => string | null
}

/** Counts of one handler. */
export interface RateLimits {
  /** Counts a request of somebody. @throws RequestError `rate_limited` */
  take(context: Context<AppEnv>, who: string, key: string): Promise<void>
  /** Counts a request by its address. @throws RequestError `rate_limited` */
  takeAddress(context: Context<AppEnv>): Promise<void>
}

/** @throws TypeError for a limit that is none */
export function createRateLimits(
  { addressOf, ...limits }: AddressRateLimit & Readonly<Record<string, unknown>>,
  onError: (error: unknown, requestId: string) => void,
): RateLimits {
  const counters = new Map(
    Object.entries(limits).flatMap(([who, limit]) =>
      limit === undefined ? [] : [[who, counterOf(who, limit as RateLimit)] as const],
    ),
  )
  if (counters.has('address') && !addressOf)
    throw new TypeError('rateLimits: give `addressOf`, which says where a request comes from, beside `address`.')

  async function take(context: Context<AppEnv>, who: string, key: string): Promise<void> {
    const counter = counters.get(who)
    if (!counter) return
    const { figures, isOver } = await counted(counter, `${who}:${key}`, (error) =>
      onError(error, context.var.requestId),
    )
    const { points } = counter.limiter
    const { tightest } = context.var
    const standing = { limit: points, remaining: figures.remainingPoints, resetMs: figures.msBeforeNext }
    if (!tightest || isOver || standing.remaining < tightest.remaining) context.set('tightest', standing)
    if (!isOver) return
    const seconds = String(Math.max(1, Math.ceil(figures.msBeforeNext / 1_000)))
    throw new RequestError('rate_limited', `Too many requests: wait ${seconds} seconds.`, { 'retry-after': seconds })
  }

  return {
    take,
    async takeAddress(context) {
      const address = addressOf?.(context.req.raw)
      if (address) await take(context, 'address', addressPrefix(address))
    },
  }
}

/** How the limit stands that has least room, as it is told in headers. */
export interface RateLimitStanding {
  readonly limit: number
  readonly remaining: number
  readonly resetMs: number
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
): Promise<{ readonly figures: RateLimitFigures; readonly isOver: boolean }> {
  for (const each of [limiter, inProcess])
    try {
      return { figures: await each.consume(key), isOver: false }
    } catch (reason) {
      if (isFigures(reason)) return { figures: reason, isOver: true }
      onError(reason)
    }
  return { figures: { remainingPoints: 0, msBeforeNext: 1_000 }, isOver: true }
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
