// Parrot: a small AI-like API on Express that bills its tokens, with a billing page.
// Run: see README.md next to this file. `npm run demo` runs it against the sandbox.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from './app.js'
import { createParrotBilling } from './billing.js'
import { readSettings } from './settings.js'

const settings = readSettings(process.env)
const server = createServer()
server.listen(settings.port, '127.0.0.1')
await once(server, 'listening')
const origin = settings.publicUrl ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const billing = createParrotBilling(settings, origin)
// Each change of a quota's state comes once. An app would write an e-mail here.
for (const type of ['quota.near', 'quota.reached', 'quota.throttled', 'quota.restored'] as const) {
  billing.on('announcer', type, ({ id, accountId, data }) => {
    console.log(JSON.stringify({ event: type, id, account: accountId, ...data }))
  })
}
// Delivers to Stripe and Langfuse in the background, and ends with `close`.
void billing.sync.run()
server.on(
  'request',
  createApp(billing, () => settings.accountId),
)
console.log(JSON.stringify({ listening: origin }))

let isStopping = false
async function stop(): Promise<void> {
  if (isStopping) return
  isStopping = true
  server.close()
  // Requests under way get their answer before the store is closed under them.
  await once(server, 'close')
  await billing.close()
  process.exit()
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
// Whoever started us with a channel is gone.
process.on('disconnect', stop)
