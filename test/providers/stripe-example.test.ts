import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Stripe from 'stripe'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createParrotBilling, type ParrotBilling } from '../../examples/express/billing.js'
import { createCompletions } from '../../examples/express/completion.js'
import { readSettings } from '../../examples/express/settings.js'
import { setUpStripe } from '../../examples/express/stripe-set-up.js'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient } from './sandboxed.js'

const folder = mkdtempSync(join(tmpdir(), 'billfold-example-'))
let box: Sandbox
let billing: ParrotBilling
beforeAll(async () => {
  box = await sandbox()
  billing = createParrotBilling(
    readSettings({ ...secrets, DATABASE_PATH: join(folder, 'billing.db'), STRIPE_API_BASE: box.url }),
    'https://app.example.com',
  )
  await billing.accounts.ensure({ accountId: 'acme' })
})
afterAll(async () => {
  await billing.close()
  await box.close()
  rmSync(folder, { recursive: true })
})

const secrets = {
  STRIPE_SECRET_KEY: 'sk_test_sandbox',
  STRIPE_WEBHOOK_SECRET: 'whsec_example',
  LANGFUSE_PUBLIC_KEY: 'pk-lf-sandbox',
  LANGFUSE_SECRET_KEY: 'sk-lf-sandbox',
}
const asked = { accountId: 'acme', prompt: 'Polly wants a cracker.', model: 'parrot-mini', tokens: undefined }

describe('the Express example', () => {
  it('C4 sets Stripe up as its page says: meters, events, and the version that webhooks are written in', async () => {
    const client = stripeClient(box)
    const { endpointId } = await setUpStripe(client, 'https://app.example.com/webhooks/stripe')
    const endpoint = await client.webhookEndpoints.retrieve(endpointId)
    const page = readFileSync(new URL('../../docs/providers/stripe.md', import.meta.url), 'utf8')
    expect(endpoint.api_version).toBe(Stripe.API_VERSION)
    expect(page).toContain(`API version \`${endpoint.api_version}\``)
    const [, list = ''] = /which `stripe\.webhookEvents` lists:\n([^.]*(?:\.[a-z][^.]*)*)\.\n/.exec(page) ?? []
    const named = list.match(/`[a-z_.]+`/g)?.map((name) => name.slice(1, -1))
    expect([...endpoint.enabled_events].sort()).toEqual([...(named ?? [])].sort())
    expect((await client.billing.meters.list()).data.map((meter) => meter.event_name)).toEqual(['billfold_ai_tokens'])
  })

  it('S1.1 lets callers name the token counts only where its settings say so', async () => {
    expect(readSettings(secrets).takesTokenCounts).toBe(false)
    expect(readSettings({ ...secrets, TAKE_TOKEN_COUNTS: '1' }).takesTokenCounts).toBe(true)
    const given = { ...asked, tokens: { input: 0, output: 0 }, idempotencyKey: 'given' }
    const { complete } = createCompletions(billing, false)
    await expect(complete(given)).rejects.toMatchObject({ code: 'invalid_request' })
    expect((await billing.getQuota({ accountId: 'acme', meter: 'ai_tokens' })).used).toBe('0')
  })

  it('S1.1 answers a repeat as the first time when everything has been spent since', async () => {
    const { complete } = createCompletions(billing, true)
    const first = await complete({ ...asked, idempotencyKey: 'a' })
    await complete({ ...asked, tokens: { input: 300_000, output: 40_000 }, idempotencyKey: 'b' })
    await complete({ ...asked, tokens: { input: 9_950, output: 0 }, idempotencyKey: 'c' })
    expect(await complete({ ...asked, idempotencyKey: 'd' })).toMatchObject({ allowed: false, httpStatus: 402 })
    const again = await complete({ ...asked, idempotencyKey: 'a' })
    if (!first.allowed || !again.allowed) throw new Error('A request was refused.')
    expect(again).toMatchObject({ text: first.text, usage: { id: first.usage.id, status: 'duplicate' } })
    await expect(complete({ ...asked, tokens: { input: 1, output: 0 }, idempotencyKey: 'a' })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    })
  })
})
