import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { payOnPage } from '../providers/sandboxed.js'

let folder: string
let example: ReturnType<typeof start>
let site: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'billfold-example-'))
  example = start('server.ts', [], { PORT: '0', BILLING_DB: join(folder, 'gateway.db') })
  const [line] = (await once(example.stdout, 'data')) as [Buffer]
  site = /http:\S+/.exec(line.toString())?.[0] ?? ''
})
afterAll(async () => {
  example.kill()
  await once(example, 'exit')
  await rm(folder, { recursive: true, force: true })
})

function start(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const path = `examples/gateway/${file}`
  return spawn(process.execPath, ['--import', 'tsx', path, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

it('C7 S2.1 S2.2 S2.5 the example signs up, answers, and is topped up', async () => {
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
  // (1 × $1.25/M + 8 × $10/M) × 1.25.
  expect(await balance()).toMatchObject({ status: 'free', balance: '0.499898438' })
  const page = await fetch(`${site}/top-up/${accountId}`, { redirect: 'manual' })
  await payOnPage(page.headers.get('location') ?? '')
  await expect.poll(balance, { timeout: 10_000 }).toMatchObject({ status: 'active', balance: '10.499898438' })
})

it('C7 S2.2 S2.4 S2.5 its journey spends $0.50 to the last cent, is refused, and goes on once it is paid', async () => {
  expect(await (await fetch(site)).text()).toContain('<title>Prepaid models</title>')
  const journey = start('journey.ts', [site])
  let said = ''
  let paying: Promise<unknown> | undefined
  journey.stdout.on('data', (text: Buffer) => {
    said += text.toString()
    const [link] = /http\S+\/top-up\/\S+(?=\n)/.exec(said) ?? []
    if (link === undefined || paying) return
    paying = fetch(link, { redirect: 'manual' }).then((page) => payOnPage(page.headers.get('location') ?? ''))
  })
  expect(await once(journey, 'exit')).toEqual([0, null])
  await paying
  expect(said.replaceAll(/ +/g, ' ').split('\n').filter(Boolean)).toEqual([
    'signed up free $0.5',
    'call 1 free $0.49',
    'call 2 free $0.48',
    'call 3 free $0.47',
    'call 10 free $0.4',
    'call 20 free $0.3',
    'call 30 free $0.2',
    'call 40 free $0.1',
    'call 50 suspended $0',
    expect.stringMatching(/^refused 403 /),
    '50 calls suspended $0',
    'Pay here, and this goes on:',
    expect.stringContaining('/top-up/'),
    'topped up active $10',
    'next call active $9.99',
  ])
}, 60_000)
