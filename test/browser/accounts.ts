import { payOnPage } from '../providers/sandboxed.js'
import type { Site } from './site.js'

const dayMs = 86_400_000

/** An account in the middle of a month: subscribed, with credits of three kinds, usage of thirty days, keys, and invoices. */
export async function busyAccount(site: Site, accountId: string): Promise<void> {
  const { billing, url, box } = site
  const now = box.now()
  await billing.accounts.ensure({ accountId, email: `${accountId}@example.com`, name: 'Acme' })
  await subscribe(site, accountId, 'pro')
  await billing.credits.grant({
    accountId,
    amount: '50000',
    reason: 'Welcome credit',
    idempotencyKey: `w-${accountId}`,
  })
  await billing.credits.grant({
    accountId,
    amount: '12500.25',
    reason: 'Apology for the outage of 3 November',
    expiresAt: new Date(now + 9 * dayMs),
    idempotencyKey: `x-${accountId}`,
  })
  const page = await billing.createCheckout({
    accountId,
    kind: 'credits',
    amount: '25',
    successUrl: url,
    cancelUrl: url,
  })
  await payOnPage(page.url)
  await billing.verifyCheckout({ accountId, checkoutId: page.id })

  const models = ['claude-sonnet', 'gpt-large', 'gemini-flash'] as const
  const providers = ['anthropic', 'openai', 'google'] as const
  const events = []
  for (let day = 29; day >= 0; day -= 1) {
    for (let call = 0; call < 3; call += 1) {
      const which = (day + call) % 3
      events.push({
        accountId,
        meter: 'ai_tokens' as const,
        model: models[which] ?? 'gpt-large',
        provider: providers[which] ?? 'openai',
        tokens: { input: 40_000 + ((day * 7_919) % 60_000), output: 2_000 + ((day * 1_103) % 4_000) },
        occurredAt: new Date(now - day * dayMs - call * 60_000),
        idempotencyKey: `${accountId}-${day}-${call}`,
      })
    }
  }
  await billing.recordUsageBatch({ events })
  await billing.recordUsage({ accountId, meter: 'workflows', quantity: 88, idempotencyKey: `${accountId}-workflows` })
  await billing.recordUsage({ accountId, meter: 'agents', quantity: 3, idempotencyKey: `${accountId}-agents` })
  await billing.recordUsage({ accountId, meter: 'storage_gb', quantity: '50', idempotencyKey: `${accountId}-storage` })
  await billing.apiKeys.issue({
    accountId,
    name: 'production',
    scopes: ['usage:write'],
    budget: { limit: '100000', interval: 'month' },
    idempotencyKey: `${accountId}-key`,
  })
}

/** Subscribes as a person does: on the page of the provider, with a test card. */
export async function subscribe(
  site: Site,
  accountId: string,
  plan: 'starter' | 'pro' | 'team',
  card?: string,
): Promise<void> {
  const { billing, url } = site
  const page = await billing.createCheckout({ accountId, kind: 'subscription', plan, successUrl: url, cancelUrl: url })
  await payOnPage(page.url, card)
  await billing.verifyCheckout({ accountId, checkoutId: page.id })
}
