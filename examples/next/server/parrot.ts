import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createBilling } from 'billfold'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { createHandler, scopes } from 'billfold/http'
import { stripeProvider } from 'billfold/providers/stripe'
import type Stripe from 'stripe'
import { catalog } from './catalog'
import { sessionOfRequest } from './session-cookie'
import { readSettings, type Settings } from './settings'
import { connectStripe } from './stripe'

/** What runs for as long as the server does. */
export interface Parrot {
  readonly billing: ReturnType<typeof createParrotBilling>
  /** The routes under `/api/billing`. */
  readonly handler: ReturnType<typeof createHandler>
  readonly origin: string
  readonly sessionSecret: string
  readonly consoleUrl: string | null
}

// Next bundles pages, routes and instrumentation apart: a variable of a module would be there several times.
const shared = globalThis as typeof globalThis & { parrot?: Promise<Parrot> }

/** The running app. @throws Error where `instrumentation.ts` has not started it */
export function parrot(): Promise<Parrot> {
  if (!shared.parrot) throw new Error('Parrot is not running: instrumentation.ts starts it.')
  return shared.parrot
}

/** Starts billing, and ends it with the server. Doing it again changes nothing. */
export function startParrot(): Promise<Parrot> {
  shared.parrot ??= start(readSettings(process.env))
  return shared.parrot
}

async function start(settings: Settings): Promise<Parrot> {
  const { origin, dataFolder } = settings
  mkdirSync(dataFolder, { recursive: true })
  const stripe = await connectStripe(settings)
  const billing = createParrotBilling(settings, stripe.client, stripe.webhookSecret)
  // Also opens the file and brings its tables up to date.
  await billing.catalog.apply()
  // Delivers to Stripe in the background, and ends with `close`.
  void billing.sync.run()

  const sessionSecret = settings.sessionSecret ?? ownSecret(join(dataFolder, 'session-secret'))
  const handler = createHandler(billing, {
    identify(request) {
      const session = sessionOfRequest(request, sessionSecret)
      return session && { ...session, scopes: [...scopes], by: 'cookie' }
    },
    allowedOrigins: [origin],
    returnUrls: {
      success: `${origin}/billing/success`,
      cancel: `${origin}/billing/cancel`,
      portal: `${origin}/settings/billing`,
    },
  })

  // Next ends the process as soon as its connections are closed; what runs here is closed before that.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const after = process.listeners(signal)
    process.removeAllListeners(signal)
    process.once(signal, async () => {
      await billing.close()
      await stripe.close()
      for (const listener of after) listener(signal)
      if (after.length === 0) process.exit()
    })
  }
  return { billing, handler, origin, sessionSecret, consoleUrl: stripe.consoleUrl }
}

function createParrotBilling({ origin, dataFolder }: Settings, client: Stripe, webhookSecret: string) {
  return createBilling({
    catalog,
    store: sqliteStore({ path: join(dataFolder, 'billing.db') }),
    providers: { default: stripeProvider({ client, webhookSecret }) },
    redirects: { allowedOrigins: [origin] },
    environment: {
      onError: (error, where) => console.error(`${where}: ${error instanceof Error ? error.message : error}`),
    },
  })
}

/** Made once, and kept: who is signed in stays so over a restart. */
function ownSecret(path: string): string {
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString('hex'), { mode: 0o600 })
  return readFileSync(path, 'utf8')
}
