import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { expect, it } from 'vitest'
import { payOnPage } from '../providers/sandboxed.js'

it('C7 S2.1 S2.2 S2.5 the example signs up, answers, and is topped up', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'billfold-example-'))
  const env = { ...process.env, PORT: '0', BILLING_DB: join(folder, 'gateway.db') }
  const file = 'examples/gateway/server.ts'
  const example = spawn(process.execPath, ['--import', 'tsx', file], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(example.stdout, 'data')) as [Buffer]
    const site = /http:\S+/.exec(line.toString())?.[0] ?? ''
    const headers = { 'content-type': 'application/json' }
    const signup = await fetch(`${site}/user/signup`, {
      method: 'POST',
      headers,
      body: '{"email":"alice@example.com"}',
    })
    const { api_key: apiKey = '', account_id: accountId } = (await signup.json()) as Record<string, string>
    const client = new OpenAI({ baseURL: `${site}/v1`, apiKey })
    const answer = await client.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content: 'hi' }] })
    expect(answer.usage?.total_tokens).toBe(9)
    const balance = async () => {
      const response = await fetch(`${site}/v1/balance`, { headers: { authorization: `Bearer ${apiKey}` } })
      return (await response.json()) as { readonly balance: string; readonly status: string }
    }
    // (1 × $1.25/M + 8 × $10/M) × 1.2
    expect(await balance()).toMatchObject({ status: 'free', balance: '0.4999025' })
    const page = await fetch(`${site}/top-up/${accountId}`, { redirect: 'manual' })
    await payOnPage(page.headers.get('location') ?? '')
    await expect.poll(balance, { timeout: 10_000 }).toMatchObject({ status: 'active', balance: '10.4999025' })
  } finally {
    example.kill()
    await once(example, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
}, 60_000)
