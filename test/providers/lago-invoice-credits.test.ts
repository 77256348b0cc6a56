import { afterAll, describe, expect, it } from 'vitest'
import { dollars, planPrice } from '../../src/testing/provider-conformance/subject.js'
import { lagoAt } from './lago-customer.js'
import { lagoClient, timedSandbox } from './sandboxed.js'

const dayMs = 86_400_000
const box = await timedSandbox()
afterAll(() => box.close())
const api = lagoClient(box)
const { lago, begin } = lagoAt(box, api)
const credits = lago['invoice-credits']

let count = 0
const customer = async () => {
  count += 1
  return (await lago.customers.create({ accountId: `acc_${count}`, email: null, name: null }, {})).externalId
}
const ask = (customerId: string, amount = 5n, expiresAt: number | null = null) => ({
  customerId,
  amount: dollars(amount),
  kind: 'promotional' as const,
  name: 'Welcome',
  expiresAt,
})
const key = (idempotencyKey: string = crypto.randomUUID()) => ({ idempotencyKey })

describe('money for invoices at Lago', () => {
  it('C4 is given once for a key, though Lago takes a top-up as often as it is sent', async () => {
    const customerId = await customer()
    const once = key()
    const first = await credits.grant(ask(customerId), once)
    expect(first).toMatchObject({
      customerId,
      amount: dollars(5n),
      kind: 'promotional',
      name: 'Welcome',
      isVoid: false,
    })
    expect(await credits.grant(ask(customerId), once)).toEqual(first)
    await Promise.all([1, 2, 3].map(() => credits.grant(ask(customerId, 7n), key('same'))))
    expect(await credits.balance(customerId, {})).toEqual([dollars(12n)])
    expect((await credits.list(customerId, {})).length).toBe(2)
  })

  it('G8 is given once by two processes at once: the later one takes back its own', async () => {
    const customerId = await customer()
    const other = lagoAt(box, lagoClient(box)).lago['invoice-credits']
    await credits.grant(ask(customerId, 1n), key())
    const once = key()
    const made = await Promise.all([credits, other].map((each) => each.grant(ask(customerId), once)))
    expect(new Set(made.map(({ externalId }) => externalId)).size).toBe(1)
    expect(await credits.balance(customerId, {})).toEqual([dollars(6n)])
  })

  it('G8 is found again when the answer was lost', async () => {
    const customerId = await customer()
    await credits.grant(ask(customerId, 1n), key())
    const once = key()
    box.faults.inject({ match: { method: 'POST', pathIncludes: '/wallet_transactions' }, kind: 'reset_after' })
    await expect(credits.grant(ask(customerId), once)).rejects.toMatchObject({ code: 'outcome_unknown' })
    await credits.grant(ask(customerId), once)
    expect(await credits.balance(customerId, {})).toEqual([dollars(6n)])
  })

  it('C4 pays the next invoice of a subscription', async () => {
    const customerId = await customer()
    await credits.grant(ask(customerId), key())
    await begin(customerId, planPrice(dollars(20n)))
    const [invoice] = (await lago.invoices.list({ customerId, limit: 1 }, {})).items
    expect(invoice).toMatchObject({ total: dollars(20n), creditsApplied: dollars(5n), amountDue: dollars(15n) })
    expect(await credits.balance(customerId, {})).toEqual([dollars(0n)])
  })

  it('C4 what unbilled usage will take is none of the balance, as far as Lago knows of it', async () => {
    const customerId = await customer()
    await lago.catalog.apply({ meters: [{ name: 'tokens', unit: 'token' }], prices: [] }, {})
    await begin(customerId, { ...planPrice(dollars(20n)), overage: [{ meter: 'tokens', sparkPrice: '0.01' }] })
    await credits.grant(ask(customerId, 30n), key())
    const report = {
      identifier: crypto.randomUUID(),
      customerId,
      meter: 'tokens',
      sparks: 1_000n,
      occurredAt: box.now(),
    }
    await lago.metering.report([report], {})
    expect(await credits.balance(customerId, {})).toEqual([dollars(30n)])
    box.advance(300_000)
    expect(await credits.balance(customerId, {})).toEqual([dollars(20n)])
  })

  it('C4 what is left of one is taken back once; the others stay', async () => {
    const customerId = await customer()
    const { externalId } = await credits.grant(ask(customerId), key())
    await credits.grant(ask(customerId, 3n), key())
    for (let time = 0; time < 2; time += 1)
      expect(await credits.end(externalId, {})).toMatchObject({ externalId, isVoid: true })
    expect(await credits.balance(customerId, {})).toEqual([dollars(3n)])
    await expect(credits.end('none', {})).rejects.toMatchObject({ code: 'not_found' })
  })

  it('C4 expires by itself, and what does not expire stays', async () => {
    const customerId = await customer()
    const expiresAt = Math.floor(box.now() / 1000) * 1000 + 2 * dayMs
    await credits.grant(ask(customerId, 2n, expiresAt), key())
    expect((await credits.grant(ask(customerId, 3n, expiresAt), key())).expiresAt).toBe(expiresAt)
    await credits.grant(ask(customerId, 4n), key())
    expect(await credits.balance(customerId, {})).toEqual([dollars(9n)])
    box.advance(2 * dayMs + 3_600_000)
    expect(await credits.balance(customerId, {})).toEqual([dollars(4n)])
  })
})
