import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { chromiumPath } from '../../scripts/chromium.mjs'

export const executablePath = chromiumPath

if (executablePath === undefined)
  console.warn('No chromium or chrome is installed here: the tests in a browser are skipped.')

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--force-color-profile=srgb'] })
}

/** A visitor: a browser with cookies of its own. Making one takes a second. */
export const openVisitor = (browser: Browser): Promise<BrowserContext> =>
  browser.newContext({ reducedMotion: 'reduce' })

/** A page that keeps what it complains about, and how far its layout has jumped. */
export type OpenedPage = Page & { readonly complaints: string[] }

export async function openPage(visitor: BrowserContext, address: string, width = 1_440): Promise<OpenedPage> {
  const page = Object.assign(await visitor.newPage(), { complaints: [] as string[] })
  await page.setViewportSize({ width, height: 900 })
  page.on('pageerror', (error) => page.complaints.push(String(error)))
  page.on('console', (message) => {
    // A hosted page is no page of ours: it answers a declined card with 402.
    const from = message.location().url
    if (from !== '' && !from.startsWith(new URL(address).origin)) return
    if (message.type() === 'error' || message.type() === 'warning') page.complaints.push(message.text())
  })
  await page.addInitScript(() => {
    Object.assign(window, { jumped: 0 })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
        if (!entry.hadRecentInput) (window as unknown as { jumped: number }).jumped += entry.value
    }).observe({ type: 'layout-shift', buffered: true })
  })
  await page.goto(address)
  return page
}

/** Waits until nothing on the page is being read any more. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(
    () =>
      document.querySelector('main > *') !== null && !document.querySelector('.billfold-skeleton, [aria-busy="true"]'),
  )
}

const shots = new URL('../../.screenshots/', import.meta.url)

/** Keeps a picture of the page, for people to look at, where `BILLFOLD_PICTURES` is set: each takes as long as a step of a test. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!process.env.BILLFOLD_PICTURES) return
  mkdirSync(shots, { recursive: true })
  await page.screenshot({ path: new URL(`${name}.png`, shots).pathname, fullPage: true, animations: 'disabled' })
}

const require = createRequire(import.meta.url)

/** Half as long as the one that the package gives as `source`. */
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds that is serious or critical, in WCAG 2.2 AA and its best practices. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  // Not as a script of the page, which a policy of the page may forbid.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource)
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: {
        run(
          context: unknown,
          options: unknown,
        ): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>
      }
    }
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    // Of what is right it need not say where.
    const options = { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }
    const { violations } = await axe.run(document, options)
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`))
  })
}
