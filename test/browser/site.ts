import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type BillingService, createBilling } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { createHandler, scopes } from 'billfold/http'
import { toNodeListener } from 'billfold/http/node'
import { type StripeProvider, stripeProvider } from 'billfold/providers/stripe'
import { build } from 'esbuild'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { entries } from '../../scripts/entries.mjs'
import type { Sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient, timedSandbox } from '../providers/sandboxed.js'
import { catalog } from './catalog.js'
import { Hydrated } from './pages/hydrated.js'

/** A site whose pages are made of `billfold/react`, on the real handler, in front of the sandbox. */
export interface Site {
  readonly url: string
  readonly box: Sandbox & { now(): number }
  readonly billing: BillingService<{ readonly default: StripeProvider }, typeof catalog>
  /** Answers of the routes are these instead, by method and path; `null` cuts the connection. */
  readonly faults: Map<string, Response | null | 'slow'>
  /** Every request to the routes, as it came: what a page asks, and how often. */
  readonly asked: { readonly method: string; readonly path: string; readonly idempotencyKey: string | undefined }[]
  close(): Promise<void>
}

const root = new URL('../../', import.meta.url)
const pathOf = (path: string) => fileURLToPath(new URL(path, root))

export async function openSite(): Promise<Site> {
  const box = await timedSandbox({ merchantName: 'Parrot' })
  const stripe = stripeProvider({ client: stripeClient(box), webhookSecret: 'whsec_browser' })
  const files = await bundle()
  const faults: Site['faults'] = new Map()
  const asked: Site['asked'] = []
  let routes: ReturnType<typeof toNodeListener> | undefined

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site')
    if (pathname.startsWith('/api/billing')) {
      const path = pathname.replace('/api/billing', '')
      const idempotencyKey = request.headers['idempotency-key'] as string | undefined
      asked.push({ method: request.method ?? '', path, idempotencyKey })
      const fault = faults.get(`${request.method} ${path}`)
      if (fault === null) return void response.socket?.destroy()
      // Taken, and never answered: what a page shows while it waits.
      if (fault === 'slow') return
      if (fault) {
        response.writeHead(fault.status, Object.fromEntries(fault.headers))
        return void fault
          .clone()
          .text()
          .then((text) => response.end(text))
      }
      return void routes?.(request, response)
    }
    const file = files.get(pathname)
    // Kept by the browser, with the code that it made of them.
    const kept = 'max-age=3600'
    if (file) return void response.writeHead(200, { 'content-type': file.type, 'cache-control': kept }).end(file.body)
    const html =
      pathname === '/hydrated'
        ? shell
            .replace('></main>', `>${renderToString(createElement(Hydrated))}</main>`)
            .replace('site.js', 'hydrate.js')
        : shell
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const billing = createBilling({
    catalog,
    store: memoryStore({ now: box.now }),
    providers: { default: stripe },
    redirects: { allowedOrigins: [url] },
    environment: { now: box.now },
  })
  await billing.catalog.apply()
  const handler = createHandler(billing, {
    // Who a page is for stands in its address; the client sends it as a token.
    identify(request) {
      const [accountId = '', ...only] = request.headers.get('authorization')?.replace('Bearer ', '').split(':') ?? []
      return accountId === '' ? null : { accountId, scopes: only.length > 0 ? ['billing:read'] : [...scopes] }
    },
    stripe: { publishableKey: 'pk_test_sandbox' },
    returnUrls: { success: `${url}/?view=success`, cancel: `${url}/?view=cancel` },
  })
  routes = toNodeListener(handler)
  return {
    url,
    box,
    billing,
    faults,
    asked,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await billing.close()
      await box.close()
    },
  }
}

/** `#root` is all there is: what is on a page was drawn by the package. */
const shell = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Billing</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/styles.css"><link rel="stylesheet" href="/page.css">
</head><body><main id="root"></main><script type="module" src="/site.js"></script></body></html>`

async function bundle(): Promise<Map<string, { readonly type: string; readonly body: Uint8Array }>> {
  const { outputFiles } = await build({
    entryPoints: {
      site: pathOf('test/browser/pages/site.tsx'),
      hydrate: pathOf('test/browser/pages/hydrate.tsx'),
      page: pathOf('test/browser/pages/site.css'),
      styles: pathOf('src/react/styles.css'),
    },
    bundle: true,
    splitting: true,
    format: 'esm',
    write: false,
    outdir: '/',
    jsx: 'automatic',
    minify: true,
    define: { 'process.env.NODE_ENV': '"production"' },
    alias: Object.fromEntries(
      entries.filter(({ name }) => /client|react/.test(name)).map(({ name, source }) => [name, pathOf(source)]),
    ),
    logLevel: 'error',
  })
  const types: Readonly<Record<string, string>> = { js: 'text/javascript', css: 'text/css' }
  const files = outputFiles.map(({ path, contents }) => {
    const type = `${types[path.split('.').pop() ?? ''] ?? 'text/plain'}; charset=utf-8`
    return [path, { type, body: contents }] as const
  })
  return new Map(files)
}
