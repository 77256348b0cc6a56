import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { fingerprintOf } from '../../../src/core/domain/ledger/key.js'
import { parse } from '../../../src/core/operations/fields.js'
import { parseCapture, parseHold } from '../../../src/core/operations/holds.js'
import { parseUsage } from '../../../src/core/operations/usage-input.js'
import { revoked } from './bad-values.js'

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
    'debt',
    'x\0y',
    '\ud800',
    '2026-11-21T10:00:00Z',
  ),
  fc.constantFrom<unknown>(0, 1, -1, 60_000, 1.5, 1e13, -0, Number.NaN, 5n, 0n, -2n, null, undefined, true),
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

const named = [
  ...['accountId', 'meter', 'quantity', 'tokens', 'model', 'provider', 'serviceTier', 'costUsd', 'idempotencyKey'],
  ...['occurredAt', 'dimensions', 'apiKeyId', 'userId', 'holdId', 'leaseToken', 'onInsufficient', 'ttlMs', 'reason'],
  ...['amount', 'onExcess', 'nothing', 'toString'],
]
const good = { accountId: 'acct_1', idempotencyKey: 'k' }
const measured = { meter: 'ai_tokens', quantity: 5 }

it.each([
  ['usage', parseUsage, { ...good, ...measured }],
  ['a hold', parseHold, { ...good, ...measured }],
  ['a capture', parseCapture, { ...good, holdId: 'hld_1' }],
])('C6 reads %s field by field exactly as its schema does', (_, { plain, schema }, right) => {
  const changes = fc.dictionary(fc.constantFrom(...named), values, { maxKeys: 5 })
  let count = 0
  fc.assert(
    fc.property(changes, (change) => {
      const input = { ...right, ...change }
      const read = plain(input)
      if (read === null) return
      count += 1
      const { ...parsed } = parse<object>(schema, input)
      const given = (fields: object) =>
        Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
      expect(given(read)).toEqual(given(parsed))
      // A repeat of what was stored is still known as one.
      expect(fingerprintOf({ ...read })).toBe(fingerprintOf({ ...parsed }))
    }),
    { numRuns: 5_000 },
  )
  expect(count).toBeGreaterThan(300)
  expect(plain(right)).not.toBeNull()
  expect(plain({ ...right, toString: 'text' })).toBeNull()
})

it('C6 looks more closely at what is no plain object', () => {
  for (const input of [null, undefined, 1, 'text', [], new Map(), Object.create({ accountId: 'a' })])
    expect(parseUsage.plain(input)).toBeNull()
})

it('C6 refuses what throws whatever is asked of it, as the whole input and within it', () => {
  const refused = expect.objectContaining({ code: 'invalid_request' })
  expect(() => parseUsage(revoked())).toThrow(refused)
  for (const schema of [z.string(), z.number(), z.enum(['a']), z.object({})])
    expect(() => parse(z.object({ field: schema }), { field: revoked() })).toThrow(refused)
})
