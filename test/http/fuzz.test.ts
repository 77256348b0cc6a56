import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { counts } from '../proof/counts.js'
import { type Described, fuzzedRequests } from './fuzzed-request.js'
import { openWorld, type World } from './world.js'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

/** What a request may be answered: an answer, or an error of its own. Nothing fails, and no provider is asked what it cannot answer. */
const expected = new Set([200, 201, 302, 400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 429])

describe('requests that nobody meant', () => {
  it(
    'G19 are answered in time, each with a typed error or an answer, and leave the books right',
    async () => {
      const seed = Number(process.env.BILLFOLD_FUZZ_SEED ?? 20_261_122)
      const request = fuzzedRequests(world.handler.document() as Described, seed)
      const statuses = new Map<number, number>()
      for (let sent = 0; sent < counts.fuzzedRequests; sent += 1) {
        const asked = request()
        const what = `request ${sent} of seed ${seed}: ${asked.method} ${asked.url.slice(0, 300)} ${await asked.clone().text()}`
        const began = performance.now()
        const answer = await world.handler(asked)
        // Changes are told of for as long as somebody listens.
        const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream') ?? false
        if (isStream) await answer.body?.cancel()
        const text = isStream ? '' : await answer.text()
        expect(performance.now() - began, what).toBeLessThan(10_000)
        expect(expected.has(answer.status), `${what.slice(0, 2_000)} → ${answer.status} ${text.slice(0, 500)}`).toBe(
          true,
        )
        if (answer.status >= 400) {
          const { code, detail } = JSON.parse(text) as { readonly code?: string; readonly detail?: string }
          expect([typeof code, typeof detail], what.slice(0, 2_000)).toEqual(['string', 'string'])
        }
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      }
      // Some of them get through: what they did adds up.
      expect(statuses.get(200)).toBeGreaterThan(counts.fuzzedRequests / 50)
      const { checked, findings } = await world.billing.verifyLedger()
      expect(findings).toEqual([])
      expect(checked.entries, JSON.stringify([...statuses])).toBeGreaterThan(0)
      expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    },
    counts.timeoutMs * 4,
  )
})
