import { memoryStore } from 'billfold/adapters/memory'
import { storeConformance } from 'billfold/testing'
import { describe, expect, it } from 'vitest'

describe('memoryStore', () => {
  const cases = storeConformance({
    clock: 'given',
    open: async (options) => memoryStore(options),
    // It cannot be shared, but whoever has it may use it twice: the cases for two connections hold for that too.
    second: async (store) => store,
  })
  for (const { name, skip, run } of cases) it.skipIf(skip !== undefined)(`C5 ${name}`, run)

  it('C5 is tried in all but what needs a store that outlives the process', () => {
    const skipped = cases.filter((each) => each.skip !== undefined)
    expect(new Set(skipped.map((each) => each.needs))).toEqual(new Set(['reopen']))
    expect(cases.length).toBeGreaterThan(skipped.length)
  })
})

describe('a store with a clock of its own', () => {
  const cases = storeConformance({ clock: 'own', open: async () => memoryStore() })
  for (const { name, skip, run } of cases) (skip === undefined ? it.concurrent : it.skip)(`C5 ${name}`, run)
})

describe('memoryStore in production', () => {
  it('refuses to start, unless it is told that it may forget', () => {
    const before = process.env.NODE_ENV
    process.env.NODE_ENV = 'production'
    try {
      expect(() => memoryStore()).toThrow(/allowVolatile/)
      expect(memoryStore({ allowVolatile: true }).durable).toBe(false)
    } finally {
      process.env.NODE_ENV = before
    }
  })
})
