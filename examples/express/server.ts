// Parrot: a small AI-like API on Express that bills its tokens, with a billing area.
// Run: see README.md next to this file. `npm run demo` runs it against the sandbox.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from './app.js'
import { createParrotBilling } from './billing.js'
import { createCompletions } from './completion.js'
import { fail } from './failure.js'
import { readSettings } from './settings.js'

const graceMs = 2_000

const server = createServer()
const { billing, origin, settings } = await open().catch(fail)
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
  createApp(billing, createCompletions(billing, settings.takesTokenCounts), {
    origin,
    sessionSecret: settings.sessionSecret ?? randomBytes(32).toString('hex'),
    consoleUrl: settings.stripe.apiBase ?? null,
    upstream: settings.upstream,
  }),
)
console.log(JSON.stringify({ listening: origin }))

/** Finds out what cannot work before anybody is told that it does. */
async function open() {
  const settings = readSettings(process.env)
  const { publicUrl, port, databasePath } = settings
  if (publicUrl !== undefined && !URL.canParse(publicUrl))
    throw new Error(`PUBLIC_URL must be an address, not ${publicUrl}.`)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const origin = publicUrl ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const billing = createParrotBilling(settings, origin)
  // Opens the file and brings its tables up to date.
  await billing.sync.status().catch((error: unknown) => {
    throw new Error(`DATABASE_PATH ${databasePath}: ${error instanceof Error ? error.message : error}`)
  })
  return { billing, origin, settings }
}

const asked = new Set<string>()
async function stop(how: string): Promise<void> {
  // The same signal again: somebody is in a hurry. Another one is not, a terminal and a parent both tell us.
  if (asked.has(how)) process.exit(1)
  asked.add(how)
  if (asked.size > 1) return
  server.close()
  // Requests under way get their answer before the store is closed under them, but a slow client, or a page that listens, cannot keep us.
  setTimeout(() => server.closeAllConnections(), graceMs).unref()
  await once(server, 'close')
  await billing.close()
  process.exit()
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
// Whoever started us with a channel is gone.
process.on('disconnect', () => stop('disconnect'))
