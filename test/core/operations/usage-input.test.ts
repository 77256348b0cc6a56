import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { parse } from '../../../src/core/operations/fields.js'
import { readPlainUsage, usageSchema } from '../../../src/core/operations/usage-input.js'

/** Values that some field takes, that none takes, and that one takes where another does not. */
const values = fc.oneof(
  fc.constantFrom<unknown>(
    'a',
    'ai_tokens',
    '',
    ' ',
    '12.5',
    '-1',
    '0',
    'record',
    'refuse',
    'batch',
    '..',
    'x\0y',
    '\ud800',
    '2026-11-21T10:00:00Z',
  ),
  fc.constantFrom<unknown>(0, 1, -1, 1.5, 1e13, -0, Number.NaN, 5n, 0n, -2n, null, undefined, true),
  fc.constantFrom<unknown>(
    {},
    { input: 1 },
    { input: 0 },
    { input: -1 },
    { input: 1.5 },
    { Input: 1 },
    { team: 'a' },
    [],
    new Date(0),
    new Date('2026-11-21'),
  ),
  fc.string({ maxLength: 70 }),
  fc.dictionary(fc.string({ maxLength: 5 }), fc.oneof(fc.nat(), fc.string({ maxLength: 5 }))),
)

const names = [
  'accountId',
  'meter',
  'quantity',
  'tokens',
  'model',
  'provider',
  'serviceTier',
  'costUsd',
  'idempotencyKey',
  'occurredAt',
  'dimensions',
  'apiKeyId',
  'userId',
  'holdId',
  'leaseToken',
  'onInsufficient',
  'nothing',
]

it('C6 reads usage field by field exactly as its schema does', () => {
  const good = { accountId: 'acct_1', meter: 'ai_tokens', quantity: 5, idempotencyKey: 'k' }
  const changes = fc.dictionary(fc.constantFrom(...names), values, { maxKeys: 5 })
  let plain = 0
  fc.assert(
    fc.property(changes, (change) => {
      const input = { ...good, ...change }
      const read = readPlainUsage(input)
      if (read === null) return
      plain += 1
      const { ...parsed } = parse(usageSchema, input)
      const given = (fields: object) =>
        Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
      expect(given(read)).toEqual(given(parsed))
    }),
    { numRuns: 5_000 },
  )
  expect(plain).toBeGreaterThan(300)
  expect(readPlainUsage(good)).not.toBeNull()
})

it('C6 looks more closely at what is no plain object', () => {
  for (const input of [null, undefined, 1, 'text', [], new Map(), Object.create({ accountId: 'a' })])
    expect(readPlainUsage(input)).toBeNull()
})
