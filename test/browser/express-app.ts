import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../../examples/express/app.js'
import { createParrotBilling } from '../../examples/express/billing.js'
import { createCompletions } from '../../examples/express/completion.js'
import { readSettings } from '../../examples/express/settings.js'
import { createStripe } from '../../examples/express/stripe-client.js'
import { setUpStripe } from '../../examples/express/stripe-set-up.js'
import { sandbox } from '../../src/testing/sandbox/sandbox.js'
import type { Area } from './journeys.js'

/** The Express example in front of the sandbox, both in this process. */
export async function openExpressApp(): Promise<Area & { close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'billfold-express-'))
  const box = await sandbox({ merchantName: 'Parrot' })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { webhookSecret } = await setUpStripe(
    createStripe(box.stripe.apiKey, box.url),
    `${url}/api/billing/webhooks/stripe`,
  )
  const settings = readSettings({
    DATABASE_PATH: join(folder, 'billing.db'),
    STRIPE_SECRET_KEY: box.stripe.apiKey,
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_API_BASE: box.url,
    LANGFUSE_BASE_URL: box.langfuse.baseUrl,
    LANGFUSE_PUBLIC_KEY: box.langfuse.publicKey,
    LANGFUSE_SECRET_KEY: box.langfuse.secretKey,
  })
  const billing = createParrotBilling(settings, url)
  void billing.sync.run()
  const options = { origin: url, sessionSecret: 'a secret of tests', consoleUrl: box.url, upstream: box.models.openai }
  server.on('request', createApp(billing, createCompletions(billing, false), options))
  return {
    url,
    sandboxUrl: box.url,
    afterOneBook: '147,000',
    afterTwoBooks: '294,000',
    deliver: () => billing.sync.flush(),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await billing.close()
      await box.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
