import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openExpressApp } from '../browser/express-app.js'

let app: Awaited<ReturnType<typeof openExpressApp>>
beforeAll(async () => {
  app = await openExpressApp()
})
afterAll(() => app?.close())

it('C7 S2.2 S2.4 the Express example answers clients of OpenAI on the credit of the account whose key calls', async () => {
  const { url } = app
  const signIn = await fetch(`${url}/sign-in`, {
    method: 'POST',
    body: new URLSearchParams({ email: 'greta@example.com' }),
    redirect: 'manual',
  })
  const cookie = signIn.headers.get('set-cookie')?.split(';')[0] ?? ''
  const issued = await fetch(`${url}/api/billing/api-keys`, {
    method: 'POST',
    headers: { cookie, origin: url, 'content-type': 'application/json', 'idempotency-key': '1' },
    body: JSON.stringify({ name: 'client', scopes: ['usage:write'] }),
  })
  const { secret } = (await issued.json()) as { readonly secret: string }
  const client = new OpenAI({ baseURL: `${url}/gateway/v1`, apiKey: secret, maxRetries: 0 })
  const ask = { model: 'parrot-mini', messages: [{ role: 'user' as const, content: 'Polly wants a cracker' }] }
  const answer = await client.chat.completions.create(ask)
  let streamed = ''
  for await (const { choices } of await client.chat.completions.create({ ...ask, stream: true }))
    streamed += choices[0]?.delta.content ?? ''
  expect(streamed).toBe(answer.choices[0]?.message.content)

  const used = await fetch(`${url}/api/billing/credits/usage`, { headers: { cookie } })
  const { results } = (await used.json()) as { readonly results: { usage_type: string; quantity: number }[] }
  const quantity = answer.usage?.total_tokens
  expect(results).toMatchObject([
    { usage_type: 'ai_tokens', quantity },
    { usage_type: 'ai_tokens', quantity },
  ])
  // What the pages and everything else are asked for goes past it.
  expect((await fetch(`${url}/gateway/v1/chat/completions`, { method: 'POST' })).status).toBe(401)
  expect((await fetch(`${url}/`)).status).toBe(200)
})
