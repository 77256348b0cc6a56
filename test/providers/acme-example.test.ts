import { readFileSync } from 'node:fs'
import { type AnyProvider, createBilling, defineCatalog, formatSparks } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { providerConformance } from 'billfold/testing'
import { describe, expect, it } from 'vitest'
import { AcmeService, acmeProvider } from '../../examples/provider/acme.js'

/** The suite on Acme, or on what a mistake makes of it. */
function casesOf(mistake: (provider: ReturnType<typeof acmeProvider>) => AnyProvider = (provider) => provider) {
  const acme = new AcmeService('a secret')
  return providerConformance({
    provider: mistake(acmeProvider(acme)),
    now: Date.now,
    sign: (body) => acme.webhook(body, Date.now()),
    pay: async (url) => void acme.pay(url, Date.now()),
  })
}

async function failuresOf(cases: ReturnType<typeof casesOf>): Promise<string[]> {
  const failed = await Promise.all(
    cases.map(({ name, run }) =>
      run().then(
        () => null,
        () => name,
      ),
    ),
  )
  return failed.filter((name) => name !== null)
}

describe('a provider written by hand', () => {
  for (const { name, run } of casesOf()) it(`C4 ${name}`, run)

  it('C4 is tried in what it has, and takes fewer than 150 lines', () => {
    expect([...new Set(casesOf().map(({ needs }) => needs))].sort()).toEqual(['checkout', 'customers', 'webhooks'])
    const source = readFileSync(new URL('../../examples/provider/acme.ts', import.meta.url), 'utf8')
    expect(source.split('\n').length).toBeLessThan(150)
  })

  it('C4 sells credits', async () => {
    const acme = new AcmeService('a secret')
    const billing = createBilling({
      catalog: defineCatalog({ plans: { free: {} }, packages: { starter: { price: '20', sparks: '500000' } } }),
      store: memoryStore(),
      providers: { default: acmeProvider(acme) },
      redirects: { allowedOrigins: ['https://app.example.com'] },
    })
    await billing.accounts.ensure({ accountId: 'a' })
    const pages = { successUrl: '/ok', cancelUrl: '/no' }
    const { url } = await billing.createCheckout({ accountId: 'a', kind: 'package', package: 'starter', ...pages })
    const { rawBody, headers } = acme.pay(url ?? '', Date.now())
    const told = { rawBody, headers: Object.fromEntries(headers) }
    for (let time = 0; time < 2; time += 1) await (await billing.webhooks.handle('acme', told)).applied
    const { available } = await billing.credits.balance({ accountId: 'a' })
    expect(formatSparks(available)).toBe('500000')
    await billing.close()
  })
})

describe('the conformance suite', () => {
  type Acme = ReturnType<typeof acmeProvider>
  const mistakes: Readonly<Record<string, readonly [(acme: Acme) => AnyProvider, string]>> = {
    'makes a session at every call': [
      ({ checkout, ...acme }) => ({
        ...acme,
        checkout: {
          ...checkout,
          create: (request) => checkout.create(request, { idempotencyKey: crypto.randomUUID() }),
        },
      }),
      'checkout: the same key makes one session',
    ],
    'says of a session that is closed late that it expired': [
      ({ checkout, ...acme }) => ({
        ...acme,
        checkout: {
          ...checkout,
          expire: async (id) => ({ ...(await checkout.get(id, {})), status: 'expired' }),
        },
      }),
      'checkout: a session that was paid says so, with our intent, customer and amount, and stays so',
    ],
    'shares one customer': [
      (acme) => ({ ...acme, customers: { create: async () => ({ externalId: 'cus_1' }) } }),
      'customers: different keys make different customers',
    ],
    'takes what nobody signed': [
      ({ webhooks, ...acme }) => ({
        ...acme,
        webhooks: { ...webhooks, verify: async () => ({ eventId: '1', type: 'some', payload: '{}' }) },
      }),
      'webhooks: what is not signed is refused',
    ],
  }
  for (const [what, [mistake, name]] of Object.entries(mistakes)) {
    it(`C4 finds a provider that ${what}`, async () => {
      expect(await failuresOf(casesOf(mistake))).toContain(name)
    })
  }

  it('C4 says, of methods that are not there, nothing', () => {
    const bare = casesOf(({ checkout: { create, get }, ...acme }) => ({ ...acme, checkout: { create, get } }))
    expect(bare.some(({ name }) => name.includes('was closed'))).toBe(false)
    expect(casesOf().some(({ name }) => name.includes('was closed'))).toBe(true)
  })
})
