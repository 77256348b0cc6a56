import { readFileSync } from 'node:fs'
import Stripe from 'stripe'
import { describe, expect, it } from 'vitest'
import type { AnyProvider, Capability } from '../../src/core/ports/provider.js'
import { langfuseProvider } from '../../src/providers/langfuse/index.js'
import { stripeProvider } from '../../src/providers/stripe/index.js'

/** Every capability there is; the compiler refuses a list that is not complete. */
const capabilities = Object.keys({
  customers: true,
  checkout: true,
  portal: true,
  subscriptions: true,
  metering: true,
  tracing: true,
  'usage-reports': true,
  webhooks: true,
} satisfies Record<Capability, true>) as readonly Capability[]

const providers: Readonly<Record<string, AnyProvider>> = {
  stripe: stripeProvider({ client: new Stripe('sk_test_unused') }),
  langfuse: langfuseProvider({ baseUrl: 'https://langfuse.example', publicKey: 'pk', secretKey: 'sk' }),
}

for (const [name, provider] of Object.entries(providers)) {
  describe(`docs/providers/${name}.md`, () => {
    const page = readFileSync(new URL(`../../docs/providers/${name}.md`, import.meta.url), 'utf8')

    it('C4 lists the capabilities that the provider has, and no other', () => {
      const has = capabilities.filter((capability) => provider[capability] !== undefined)
      expect(rowsUnder(page, '## Capabilities').sort()).toEqual([...has].sort())
    })

    it('C4 links every capability to a page of the provider', () => {
      const rows = page.split('\n').filter((line) => /^\| `/.test(line) && line.includes('](https://'))
      expect(rows.length).toBeGreaterThanOrEqual(rowsUnder(page, '## Capabilities').length)
    })
  })
}

/** The names in the first column of the table under a heading. */
function rowsUnder(page: string, heading: string): string[] {
  const section = page.split(`${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '')
}
