import fc from 'fast-check'
import { countTokens } from 'gpt-tokenizer'
import { expect, it } from 'vitest'
import { addressPrefix, createAddressLimit } from '../../src/gateway/address-limit.js'
import { boundOf, worstTokens } from '../../src/gateway/bound.js'
import { moneyOf } from '../../src/gateway/currency.js'
import { normalizedEmail } from '../../src/gateway/email-account.js'
import { chat } from '../../src/gateway/protocols/chat.js'
import { messages } from '../../src/gateway/protocols/messages.js'

const model = { name: 'gpt-5', limits: { maximumOutputTokens: 1_000, contextTokens: 1_000_000 } }
const said = (content: unknown) => chat.parse({ model: 'gpt-5', messages: [{ role: 'user', content }] })

it('G22 no text has more tokens than it is held for, counted by a real tokenizer or not', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.lorem(), fc.string({ unit: 'grapheme' })), (text) => {
      const real = countTokens(text, { disallowedSpecial: new Set() })
      const count = (each: string) => countTokens(each, { disallowedSpecial: new Set() })
      expect(boundOf(said(text), model, undefined).input).toBeGreaterThanOrEqual(real)
      expect(boundOf(said(text), model, count).input).toBeGreaterThanOrEqual(real)
    }),
    { numRuns: 300 },
  )
  // Counted, a text in Latin letters is held for at a quarter of its bytes.
  const long = 'the quick brown fox jumps over the lazy dog '.repeat(100)
  expect(boundOf(said(long), model, (text) => countTokens(text)).input).toBeLessThan(1_100)
  expect(boundOf(said(long), model, undefined).input).toBeGreaterThan(4_400)
})

it('G22 what looks like a picture in the arguments of a function is held for as text', () => {
  const input = { type: 'image', junk: 'x'.repeat(5_000) }
  const use = { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input }] }
  const request = messages.parse({ model: 'm', max_tokens: 5, messages: [use] })
  expect(request.content.pictures).toBe(0)
  expect(boundOf(request, model, undefined).input).toBeGreaterThan(5_000)
})

it('G22 what is to be kept in the cache is held for at the price of keeping it', () => {
  const text = (ttl?: string) => ({
    type: 'text',
    text: 'hello',
    cache_control: { type: 'ephemeral', ...(ttl && { ttl }) },
  })
  const pool = (...parts: readonly unknown[]) => {
    const request = messages.parse({ model: 'm', max_tokens: 5, messages: [{ role: 'user', content: parts }] })
    return Object.keys(worstTokens(boundOf(request, model, undefined), 5, 1))
  }
  expect(pool(text())).toEqual(['cache_write_5m', 'output'])
  expect(pool(text('1h'), text())).toEqual(['cache_write_1h', 'output'])
})

it('S2.1 addresses of one mailbox are one, and others are not', () => {
  const same = ['alice@gmail.com', 'Al.Ice+x@googlemail.com', 'alice+a+b@GMAIL.com']
  expect(new Set(same.map(normalizedEmail))).toEqual(new Set(['alice@gmail.com']))
  expect(normalizedEmail('a.b+c@Example.com')).toBe('a.b@example.com')
  expect(normalizedEmail('x@bücher.example')).toBe(normalizedEmail('x@xn--bcher-kva.example'))
})

it('S2.1 networks are counted, not addresses, and each day anew', () => {
  const cases = [
    ['203.0.113.7', '203.0.113.0/24'],
    ['::ffff:203.0.113.7', '203.0.113.0/24'],
    ['2001:db8:1:2::3', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8:0::/48'],
    ['[2001:DB8:1::9]', '2001:db8:1::/48'],
    ['not an address', 'unknown'],
    [null, 'unknown'],
  ] as const
  for (const [address, network] of cases) expect(addressPrefix(address)).toBe(network)
  let now = 0
  const takes = createAddressLimit(2, () => now)
  expect([takes('a'), takes('a'), takes('a'), takes('b')]).toEqual([true, true, false, true])
  now = 86_400_000
  expect(takes('a')).toBe(true)
})

it('S2.2 credit is written as money to the last digit', () => {
  const dollars = { code: 'USD', spark: '0.001' }
  expect([0n, 1n, 499_000_000n, -5n, 10_000_000_000n].map((micro) => moneyOf(micro, dollars))).toEqual([
    '0',
    '0.000000001',
    '0.499',
    '-0.000000005',
    '10',
  ])
  expect(moneyOf(1n, { code: 'USD', spark: '0.00004' })).toBe('0.00000000004')
})
