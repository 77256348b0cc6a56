#!/usr/bin/env node
// Writes docs/openapi.json, the document of the routes of `createHandler` where a provider can do everything. A test fails when it is out
// of date; `npm run openapi` writes it anew.
import { realpathSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { createHandler } from 'billfold/http'
import { stripeProvider } from 'billfold/providers/stripe'
import Stripe from 'stripe'

/** The document as text. */
export async function openApiText() {
  const client = new Stripe('sk_test_never_asked')
  const billing = createBilling({
    catalog: defineCatalog({}),
    store: memoryStore(),
    providers: { default: stripeProvider({ client, webhookSecret: 'whsec_never_asked' }) },
  })
  const handler = createHandler(billing, { identify: () => null })
  const text = `${JSON.stringify(handler.document(), null, 2)}\n`
  await billing.close()
  return text
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  writeFileSync(new URL('../docs/openapi.json', import.meta.url), await openApiText())
