import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compare, permille, product, quotient, sumOf } from '../../src/react/decimal.js'
import { createFormat } from '../../src/react/format.js'
import { createTranslate, english, isMessage } from '../../src/react/messages.js'

describe('figures of the components', () => {
  it('law 1 are added, multiplied and compared exactly, also those that no float holds', () => {
    expect(sumOf(['0.1', '0.2', 1e-7])).toBe('0.3000001')
    expect(sumOf([])).toBe('0')
    expect(product('229392.0248', 0.00004)).toBe('9.175680992')
    expect(quotient('12.50', '0.00004')).toBe('312500')
    expect(quotient('1', '3')).toBe('0.333333')
    expect(quotient('1', '0')).toBe('0')
    expect(compare('9007199254740993', '9007199254740992')).toBe(1)
    expect(compare('-0.5', '0')).toBe(-1)
    expect([permille('1', '3'), permille('5', '0'), permille(2, 2)]).toEqual([333, 0, 1000])
  })

  it('law 1 sums agree with integers, whatever their scales', () => {
    const amounts = fc.array(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), { maxLength: 8 })
    fc.assert(
      fc.property(amounts, (all) => {
        const texts = all.map((micro) => `${micro < 0n ? '-' : ''}${digits(micro)}`)
        const total = all.reduce((sum, each) => sum + each, 0n)
        expect(compare(sumOf(texts), `${total < 0n ? '-' : ''}${digits(total)}`)).toBe(0)
      }),
    )
  })

  it('S4.5 are written as the locale writes them, with every digit where that is asked', () => {
    const us = createFormat('en-US', 'UTC')
    expect(us.money(29.99, 'usd')).toBe('$29.99')
    expect(us.money('0.00034', 'USD')).toBe('$0.00034')
    expect(us.exactMoney('12345678901234567.89', 'USD')).toBe('$12,345,678,901,234,567.89')
    expect(us.number('1250.505')).toMatch(/^1,250\.5[01]?$/)
    expect(us.exactNumber('9007199254740993.000001')).toBe('9,007,199,254,740,993.000001')
    expect(us.date('2026-11-21')).toBe('Nov 21, 2026')
    expect(createFormat('de-DE', 'UTC').money(1234.5, 'EUR')).toBe('1.234,50\u00a0€')
    expect(createFormat('en-US', 'Pacific/Auckland').date('2026-11-21')).toBe('Nov 21, 2026')
    expect(createFormat('en-US', 'Pacific/Auckland').date('2026-11-21T20:00:00.000Z')).toBe('Nov 22, 2026')
  })
})

function digits(micro: bigint): string {
  const text = String(micro < 0n ? -micro : micro).padStart(7, '0')
  return `${text.slice(0, -6)}.${text.slice(-6)}`
}

describe('texts of the components', () => {
  it('S4.5 can each be replaced, choose the plural of the locale, and fill in what is known', () => {
    const polish = createFormat('pl', 'UTC')
    const forms = { one: '{count} licznik', few: '{count} liczniki', other: '{count} liczników' }
    const text = createTranslate({ 'usage.summary': forms, 'plans.choose': 'Wybierz {plan}' }, polish)
    expect([1, 3, 5].map((count) => text('usage.summary', { count }))).toEqual([
      '1 licznik',
      '3 liczniki',
      '5 liczników',
    ])
    expect(text('plans.choose', { plan: 'Pro' })).toBe('Wybierz Pro')
    const arabic = createTranslate({ 'plans.choose': 'اختر {plan}' }, createFormat('ar', 'UTC'))
    expect(arabic('plans.choose', { plan: 'Pro' })).toBe('اختر \u2068Pro\u2069')
    expect(arabic('plans.upgrade', { plan: 'Pro' })).toBe('\u2066Upgrade to \u2068Pro\u2069\u2069')
    expect(text('action.retry')).toBe('Try again')
    expect(createTranslate(undefined, polish)('quota.left', { left: '5' })).toBe('5 of {limit} left')
  })

  it('S4.5 have one for every state of the wire that is shown', () => {
    const states = [
      'active',
      'trialing',
      'past_due',
      'canceled',
      'paused',
      'incomplete',
      'open',
      'paid',
      'void',
      'draft',
    ]
    expect(states.filter((state) => !isMessage(`status.${state}`))).toEqual([])
    expect(
      ['below_quota', 'near_quota', 'at_quota', 'throttled'].filter((state) => !isMessage(`quota.${state}`)),
    ).toEqual([])
    expect(isMessage('status.constructor')).toBe(false)
    expect(Object.values(english).every((found) => typeof found === 'string' || found.other.length > 0)).toBe(true)
  })
})
