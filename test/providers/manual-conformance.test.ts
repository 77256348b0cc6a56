import { memoryStore } from 'billfold/adapters/memory'
import { manualProvider } from 'billfold/providers/manual'
import { type ProviderConformanceSubject, providerConformance } from 'billfold/testing'
import { describe, expect, it } from 'vitest'

/** A subject of its own for each case: with no customers of its own, all cases would share one. */
function subject(): ProviderConformanceSubject {
  const provider = manualProvider({ store: memoryStore(), instructions: 'Transfer it to DE02 1203 0000 0000 2020 51.' })
  const paid = async (invoiceId: string) => {
    const asked = { invoiceId, paymentMethod: 'bank_transfer', reference: crypto.randomUUID() }
    const { externalId: paymentId } = await provider.payments.submit(asked, {})
    await provider.payments.approve({ paymentId, amount: null }, {})
    return paymentId
  }
  const pages = { successUrl: 'https://app.example/ok', cancelUrl: 'https://app.example/no', promotionCodes: false }
  const sold = { accountId: 'a', ...pages }
  const sessions = new Map<string, string>()
  const create: typeof provider.checkout.create = async (request, options) => {
    const session = await provider.checkout.create(request, options)
    sessions.set(session.url ?? '', session.externalId)
    return session
  }
  return {
    provider: { ...provider, checkout: { ...provider.checkout, create } },
    now: Date.now,
    customerId: `customer_${crypto.randomUUID()}`,
    pay: async (url) => void (await paid(sessions.get(url) ?? '')),
    async payment(customerId, amount) {
      const request = { ...sold, intentId: 'chk', customerId, mode: 'payment' as const, title: 'Credits', amount }
      const { externalId } = await provider.checkout.create(request, { idempotencyKey: crypto.randomUUID() })
      return paid(externalId)
    },
  }
}

describe('manual', () => {
  const names = providerConformance(subject()).map(({ name }) => name)
  for (const [place, name] of names.entries()) it(`C4 ${name}`, () => providerConformance(subject())[place]?.run())

  it('C4 is tried in what it has', () => {
    const needs = providerConformance(subject()).map((found) => found.needs)
    expect([...new Set(needs)].sort()).toEqual(['checkout', 'invoices', 'payment-methods', 'payments', 'subscriptions'])
  })
})
