import Stripe from 'stripe'
import { describe, expect, it } from 'vitest'
import { createCircuitBreaker } from '../../src/providers/door/circuit-breaker.js'
import { createPace, type DoorClock } from '../../src/providers/door/pace.js'
import { stripeCall } from '../../src/providers/stripe/call.js'

/** A clock that stands still but for those who sleep on it. */
function handClock(chance = 0.5) {
  let time = 0
  const slept: number[] = []
  const clock: DoorClock = {
    now: () => time,
    random: () => chance,
    async sleep(ms) {
      slept.push(ms)
      time += ms
    },
  }
  const pass = (ms: number) => {
    time += ms
  }
  return { ...clock, slept, pass }
}

const client = new Stripe('sk_test_unused')
const limits = { requestsPerSecond: 1_000, meterEventsPerSecond: 1_000 }

const failure = (statusCode: number, headers: Readonly<Record<string, string>> = {}) =>
  Object.assign(new Error('No.'), { type: 'StripeAPIError', statusCode, headers })
const refusedConnection = () =>
  Object.assign(new Error('No.'), { type: 'StripeConnectionError', detail: { code: 'ECONNREFUSED' } })

/** Fails with these, one a try, and then answers. */
function failing(errors: readonly unknown[]) {
  let tries = 0
  return {
    tries: () => tries,
    send: async () => {
      const error = errors[tries]
      tries += 1
      if (error) throw error
      return 'done'
    },
  }
}

describe('trying again', () => {
  it('G13 is done for what certainly did not happen, with growing waits', async () => {
    for (const error of [failure(429), failure(409), refusedConnection()]) {
      const clock = handClock()
      const { send, tries } = failing([error, error, error])
      expect(await stripeCall(client, limits, clock).create({ idempotencyKey: 'k' }, send)).toBe('done')
      expect(tries()).toBe(4)
      expect(clock.slept).toEqual([250, 500, 1_000])
    }
  })

  it('G13 waits at least as long as Stripe asks, and not for long', async () => {
    const clock = handClock()
    const patient = failing([failure(429, { 'retry-after': '2' })])
    expect(await stripeCall(client, limits, clock).read({}, patient.send)).toBe('done')
    expect(clock.slept).toEqual([2_000])
    const endless = failing([failure(429, { 'retry-after': '600' })])
    await expect(stripeCall(client, limits, clock).read({}, endless.send)).rejects.toMatchObject({
      code: 'provider_unavailable',
      details: { retryAfterMs: 600_000 },
    })
    expect(endless.tries()).toBe(1)
  })

  it('G13 is not done for what may have happened, for refusals, and for meter events', async () => {
    const once = async (error: unknown, kind: 'write' | 'report') => {
      const { send, tries } = failing([error])
      await expect(stripeCall(client, limits, handClock())[kind]({}, send)).rejects.toThrow()
      return tries()
    }
    expect(await once(failure(500), 'write')).toBe(1)
    expect(await once(failure(402), 'write')).toBe(1)
    expect(await once(failure(401), 'write')).toBe(1)
    expect(await once(failure(429), 'report')).toBe(1)
  })

  it('G13 ends when the call is given up', async () => {
    const { send, tries } = failing([failure(429), failure(429), failure(429)])
    const controller = new AbortController()
    const clock = handClock()
    const call = stripeCall(client, limits, {
      ...clock,
      async sleep() {
        controller.abort()
      },
    })
    await expect(call.read({ signal: controller.signal }, send)).rejects.toMatchObject({ code: 'provider_timeout' })
    expect(tries()).toBe(1)
  })
})

describe('the circuit breaker', () => {
  const isOpen = { code: 'provider_unavailable', details: expect.objectContaining({ reason: 'circuit_open' }) }

  it('G13 leaves Stripe alone after ten failures in a row, asks once, and then goes on', async () => {
    const clock = handClock()
    const call = stripeCall(client, limits, clock)
    let sent = 0
    let isDown = true
    const send = async () => {
      sent += 1
      if (isDown) throw failure(503)
      return 'done'
    }
    for (let index = 0; index < 10; index += 1)
      await expect(call.write({}, send)).rejects.toMatchObject({ code: 'outcome_unknown' })
    for (let index = 0; index < 50; index += 1) await expect(call.write({}, send)).rejects.toMatchObject(isOpen)
    expect(sent).toBe(10)
    clock.pass(1_000)
    await expect(call.write({}, send)).rejects.toMatchObject({ code: 'outcome_unknown' })
    await expect(call.write({}, send)).rejects.toMatchObject(isOpen)
    expect(sent).toBe(11)
    isDown = false
    clock.pass(1_000)
    await expect(call.write({}, send)).rejects.toMatchObject(isOpen)
    clock.pass(1_000)
    expect(await call.write({}, send)).toBe('done')
    expect(await call.write({}, send)).toBe('done')
    expect(sent).toBe(13)
  })

  it('G13 lets one call ask at a time, and rests a minute at most', () => {
    const clock = handClock(1)
    const breaker = createCircuitBreaker({ id: 'stripe', name: 'Stripe' }, clock)
    for (let index = 0; index < 30; index += 1) breaker.failed()
    clock.pass(59_999)
    expect(() => breaker.enter()).toThrowError(expect.objectContaining(isOpen))
    clock.pass(1)
    breaker.enter()
    expect(() => breaker.enter()).toThrowError(expect.objectContaining(isOpen))
    breaker.failed()
    expect(() => breaker.enter()).toThrowError(expect.objectContaining(isOpen))
    clock.pass(60_000)
    breaker.enter()
    breaker.answered()
    breaker.enter()
    breaker.enter()
  })

  it('G13 counts no answer that Stripe gave', async () => {
    const call = stripeCall(client, limits, handClock())
    const send = async () => Promise.reject(failure(402))
    for (let index = 0; index < 30; index += 1)
      await expect(call.write({}, send)).rejects.toMatchObject({ code: 'provider_rejected' })
  })
})

describe('the pace', () => {
  it('G13 lets a second’s calls through at once, and then one after the other', async () => {
    const clock = handClock()
    const pace = createPace(10, clock)
    await Promise.all(Array.from({ length: 10 }, () => pace.take(undefined)))
    expect(clock.slept).toEqual([])
    await Promise.all(Array.from({ length: 20 }, () => pace.take(undefined)))
    expect(clock.now()).toBeGreaterThanOrEqual(2_000)
    expect(clock.now()).toBeLessThan(2_100)
    clock.pass(60_000)
    const before = clock.now()
    await Promise.all(Array.from({ length: 10 }, () => pace.take(undefined)))
    expect(clock.now()).toBe(before)
  })

  it('G13 gives no place to a call that was given up', async () => {
    const pace = createPace(1, handClock())
    const gone = AbortSignal.abort()
    expect(await pace.take(gone)).toBe(false)
    expect(await pace.take(undefined)).toBe(true)
  })
})

describe('a signal', () => {
  it('G13 many calls may share a signal without a warning of leaks', async () => {
    const warnings: Error[] = []
    const listen = (warning: Error) => void warnings.push(warning)
    process.on('warning', listen)
    const call = stripeCall(new Stripe('sk_test_unused'))
    const { signal } = new AbortController()
    await Promise.all(
      Array.from({ length: 40 }, () => call.read({ signal }, () => new Promise((resolve) => setTimeout(resolve, 5)))),
    )
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', listen)
    expect(warnings).toEqual([])
  })
})
