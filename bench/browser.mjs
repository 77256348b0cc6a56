import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { createHandler, scopes } from 'billfold/http'
import { toNodeListener } from 'billfold/http/node'
import { stripeProvider } from 'billfold/providers/stripe'
import { sandbox } from 'billfold/testing'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import Stripe from 'stripe'
import { chromiumPath } from '../scripts/chromium.mjs'
import { median, ratioOf, repeat } from './figures.mjs'

// A page of much: ten thousand uses and a thousand invoices in a real browser, beside a page of few. Left out where there is no chromium.

/** @typedef {import('./figures.mjs').Bench} Bench */

const sizes = { many: { uses: 10_000, invoices: 1_000 }, few: { uses: 10, invoices: 3 } }
const pagesRead = 8

/** @type {readonly import('./figures.mjs').Benchmark[]} */
export const browserBenchmarks =
  chromiumPath === undefined
    ? []
    : [
        {
          id: 'B1',
          title: 'A page of 10,000 uses and 1,000 invoices beside one of 10 and 3, until its first rows are drawn',
          better: 'lower',
          async run(bench) {
            const runs = await bench.once('browser', () => measure(bench))
            const marks = { goal: 1.5, floor: 3 }
            const sides = { runs, of: 'many', to: 'few' }
            return {
              parts: [
                ratioOf({ measure: 'ms until the first paint: many / few', ...sides, figure: 'paint', ...marks }),
                ratioOf({ measure: 'ms until the first rows: many / few', ...sides, figure: 'rows', ...marks }),
              ],
            }
          },
        },
        {
          id: 'B2',
          title: 'The longest that the page of 10,000 uses does not answer, in ms, while it is read on and scrolled',
          better: 'lower',
          async run(bench) {
            const runs = await bench.once('browser', () => measure(bench))
            const longest = median(runs.map(({ many }) => many?.longest ?? Number.NaN))
            return { parts: [{ measure: 'longest task in ms', ratio: longest, goal: 100, floor: 300, runs }] }
          },
        },
      ]

/** @param {Bench} bench */
async function measure(bench) {
  const site = await openSite()
  const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] })
  try {
    const context = await browser.newContext({ viewport: { width: 1_280, height: 900 } })
    // Once without being counted: code is read and translated.
    for (const who of /** @type {const} */ (['few', 'many'])) await visit(context, site.url, who)
    return await repeat(bench.reps, async (rep) => {
      const run = { few: await visit(context, site.url, 'few'), many: await visit(context, site.url, 'many') }
      bench.log(`browser, ${rep + 1} of ${bench.reps}: ${JSON.stringify(run)}`)
      return run
    })
  } finally {
    await browser.close()
    await site.close()
  }
}

/** @param {import('playwright-core').BrowserContext} context @param {string} url @param {keyof typeof sizes} who */
async function visit(context, url, who) {
  const page = await context.newPage()
  await page.addInitScript(() => {
    const tasks = /** @type {number[]} */ ([])
    Object.assign(window, { tasks })
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
    })
  })
  await page.goto(`${url}/?${who}`)
  await page.waitForFunction(() => document.querySelectorAll('tbody').length === 2)
  const { paint, rows } = await page.evaluate(() => ({
    paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
    rows: performance.now(),
  }))
  await page.evaluate(() =>
    Object.assign(window, { tasks: Object.assign(/** @type {any} */ (window).tasks, { length: 0 }) }),
  )
  for (let read = 0; who === 'many' && read < pagesRead; read += 1) {
    await page
      .getByRole('button', { name: 'Load more' })
      .nth(read % 2)
      .click()
    await page.mouse.wheel(0, 3_000)
    await page.waitForFunction(() => !document.querySelector('button[aria-busy="true"]'))
  }
  const longest = await page.evaluate(() => Math.max(0, .../** @type {any} */ (window).tasks))
  await page.close()
  return { paint: Math.round(paint), rows: Math.round(rows), longest: Math.round(longest) }
}

/** Pages of `billfold/react` on the handler, in front of the sandbox. */
async function openSite() {
  const box = await sandbox()
  const { apiKey, ...address } = box.stripe
  const client = new Stripe(apiKey, { ...address, telemetry: false })
  const billing = createBilling({
    catalog: defineCatalog({
      meters: { calls: { unit: 'call', rate: { mode: 'per_unit', sparks: '1', per: '1' } } },
      plans: { free: {} },
    }),
    store: memoryStore(),
    providers: { default: stripeProvider({ client }) },
    redirects: { allowedOrigins: ['http://127.0.0.1'] },
  })
  for (const who of /** @type {const} */ (['few', 'many'])) await fill(billing, client, who)
  const routes = toNodeListener(
    createHandler(billing, {
      identify: (request) => ({ accountId: request.headers.get('authorization') ?? '', scopes: [...scopes] }),
    }),
  )
  const files = await bundle()
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api/billing')) return void routes(request, response)
    const name = new URL(request.url ?? '/', 'http://site').pathname
    const file = files.get(name)
    const type = name.endsWith('.css') ? 'text/css' : file ? 'text/javascript' : 'text/html'
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(file ?? shell)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await billing.close()
      await box.close()
    },
  }
}

/** @param {any} billing @param {Stripe} client @param {keyof typeof sizes} who */
async function fill(billing, client, who) {
  const { uses, invoices } = sizes[who]
  await billing.accounts.ensure({ accountId: who, email: `${who}@example.com` })
  // Makes the customer at Stripe.
  await billing.createCheckout({
    accountId: who,
    kind: 'setup',
    successUrl: 'http://127.0.0.1/',
    cancelUrl: 'http://127.0.0.1/',
  })
  for (let from = 0; from < uses; from += 500) {
    const events = Array.from({ length: Math.min(500, uses - from) }, (_, index) => ({
      accountId: who,
      meter: 'calls',
      quantity: 1,
      idempotencyKey: `${who}-${from + index}`,
    }))
    await billing.recordUsageBatch({ events })
  }
  const { data } = await client.customers.list({ email: `${who}@example.com` })
  const customer = data[0]?.id ?? ''
  for (let count = 0; count < invoices; count += 1) {
    const { id } = await client.invoices.create({ customer, collection_method: 'send_invoice', days_until_due: 30 })
    await client.invoiceItems.create({ customer, invoice: id, amount: 1_000 + count, currency: 'usd' })
    await client.invoices.finalizeInvoice(id)
  }
}

const shell = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Billing</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css"></head><body><main id="root"></main><script type="module" src="/page.js"></script></body></html>`

const page = `
import 'billfold/react/styles.css'
import { BillingProvider, InvoiceList, UsageRecordList } from 'billfold/react'
import { createElement as element } from 'react'
import { createRoot } from 'react-dom/client'
const client = { headers: { authorization: location.search.slice(1) } }
createRoot(document.querySelector('#root')).render(
  element(BillingProvider, { client, live: false, locale: 'en-US' }, element(InvoiceList), element(UsageRecordList, { pageSize: 100 })),
)`

async function bundle() {
  const { outputFiles } = await build({
    stdin: { contents: page, resolveDir: fileURLToPath(new URL('..', import.meta.url)), sourcefile: 'page.js' },
    outfile: '/page.js',
    bundle: true,
    format: 'esm',
    write: false,
    minify: true,
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  return new Map(outputFiles.map(({ path, contents }) => [path, Buffer.from(contents)]))
}
