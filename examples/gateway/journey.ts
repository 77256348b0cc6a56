/**
 * The journey of a customer of the gateway, in a terminal: signs up, spends the free credit to the last call, is refused, pays on the
 * hosted page, and goes on. Start the server first.
 *
 *   node --import tsx examples/gateway/journey.ts http://127.0.0.1:3000
 */
import { setTimeout as pause } from 'node:timers/promises'
import OpenAI, { PermissionDeniedError } from 'openai'

interface Balance {
  readonly status: string
  readonly balance: string
  readonly top_up_url: string
}

const site = process.argv[2] ?? 'http://127.0.0.1:3000'
const email = `alice-${Date.now()}@example.com`
const signedUp = await fetch(`${site}/user/signup`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ email }),
})
const { api_key: apiKey = '' } = (await signedUp.json()) as { readonly api_key?: string }
if (!signedUp.ok) throw new Error(`The gateway answered ${signedUp.status} to the sign-up.`)
await show('signed up')

// The vendor's own client, unmodified: only its address and key are ours.
const client = new OpenAI({ baseURL: `${site}/v1`, apiKey })
const ask = () => client.chat.completions.create({ model: 'demo', messages: [{ role: 'user', content: 'hi' }] })

let calls = 0
for (;;) {
  try {
    await ask()
  } catch (error) {
    if (!(error instanceof PermissionDeniedError)) throw error
    console.log(`${'refused'.padEnd(14)} 403 ${error.message.replace(/^403 /, '')}`)
    break
  }
  calls += 1
  if (calls <= 3 || calls % 10 === 0) await show(`call ${calls}`)
}

const { top_up_url: page } = await show(`${calls} calls`)
console.log(`\nPay here, and this goes on:\n  ${page}\n`)
while ((await balance()).status !== 'active') await pause(500)
await show('topped up')
await ask()
await show('next call')

async function balance(): Promise<Balance> {
  const response = await fetch(`${site}/v1/balance`, { headers: { authorization: `Bearer ${apiKey}` } })
  return (await response.json()) as Balance
}

async function show(what: string): Promise<Balance> {
  const now = await balance()
  console.log(`${what.padEnd(14)} ${now.status.padEnd(10)} $${now.balance}`)
  return now
}
