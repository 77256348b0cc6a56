import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OpenedPage, openPage, openVisitor, picture, seriousFindings, settled } from './browser.js'

/** A billing area that people click through, whatever serves it. */
export interface Area {
  readonly url: string
  /** The sandbox that plays Stripe. */
  readonly sandboxUrl: string
  /** What is used when the largest task of the playground was done once, and twice: nearly all of the free plan. */
  readonly afterOneBook: string
  readonly afterTwoBooks: string
  /** Sends what was used on, where the app can be told to; else it does so when the minute is over. */
  deliver?(): Promise<unknown>
}

const dayMs = 86_400_000
const cards = { good: '4242424242424242', poor: '4000000000009995', failing: '4000000000000341' }

/**
 * Everything that people do with billing, by clicks alone, in the order in which a customer comes to it. `name` is what its pictures begin
 * with.
 */
export function journeys(name: string, area: () => Area, browser: () => Browser): void {
  let page: OpenedPage
  let tab: Tab
  beforeAll(async () => {
    page = await openPage(await openVisitor(browser()), area().url)
    tab = tabOf(page, area().url)
  })
  afterAll(() => page?.context().close())

  it('S4.6 asks who one is first, by e-mail alone, and keeps that in a cookie which no script reads', async () => {
    const { url } = area()
    for (const path of pages) expect(new URL((await fetch(`${url}${path}`)).url).pathname, path).toBe('/')
    expect((await fetch(`${url}/api/billing/account`)).status).toBe(401)
    await picture(page, `${name}-sign-in`)
    expect(await seriousFindings(page)).toEqual([])
    await tab.click('Sign in')
    await page.waitForURL(/\/playground$/)
    const [cookie] = await page.context().cookies(url)
    expect(cookie).toMatchObject({ name: 'parrot_session', httpOnly: true, sameSite: 'Lax' })
    // Another name under the same signature is nobody.
    const [, signature] = (cookie?.value ?? '').split('.')
    const forged = `parrot_session=${Buffer.from('rich@example.com').toString('base64url')}.${signature}`
    expect((await fetch(`${url}/api/billing/account`, { headers: { cookie: forged } })).status).toBe(401)
  })

  it('S4.6 S0.6 S3.9 is used until it is near its limit and then refused; credits are bought on the hosted page after a card was declined, and it goes on', async () => {
    await tab.go('/playground')
    for (const used of [area().afterOneBook, area().afterTwoBooks]) {
      await tab.click(/^Read a book/)
      await tab.says(used)
    }
    await tab.says('Near the limit')
    await tab.click(/^Read a book/)
    await tab.says('A request was refused')
    await tab.says(/^Buy credits: [\d,.]+ Sparks are missing/)
    await picture(page, `${name}-throttled`)
    await tab.click('Buy credits')
    await tab.click('Continue to pay $50.00')
    await page.waitForURL(/\/checkout\//)
    await tab.payWith(cards.poor)
    await page.getByRole('alert').getByText('Not paid.').waitFor()
    await tab.payOnHostedPage()
    await tab.says('1,250,000 Sparks were added. Your balance is 1,252,000 Sparks.')
    await picture(page, `${name}-success`)
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('link', { name: 'Back to billing' }).click()
    await tab.go('/playground')
    expect(await page.getByText('A request was refused').count()).toBe(0)
    await tab.click(/^Read a book/)
    await tab.says(/^Parrot read the book.*Sparks of your credit\.$/)
  })

  it('S4.6 S1.5 is upgraded by clicks alone: paid on the hosted page, then with a preview of what is due today', async () => {
    await tab.go('/settings/plans')
    await tab.click('Upgrade to Starter')
    await tab.click('Continue to payment')
    await tab.payOnHostedPage()
    await tab.says('You are on Starter now.')
    await tab.go('/settings/plans')
    await tab.click('Upgrade to Pro')
    await tab.says('To pay today')
    await picture(page, `${name}-upgrade`)
    await tab.click(/^Pay \$\d+\.\d\d and change$/)
    await tab.says('You are on Pro now.')
    await page.locator('.billfold-plan-current', { hasText: 'Pro' }).waitFor()
  })

  it('S4.6 S1.5 the plan is canceled, and kept after all', async () => {
    await tab.go('/settings/billing')
    await tab.click('Cancel plan')
    await tab.click('Cancel at the end of the period')
    await tab.says(/^Ends on/)
    await tab.click('Keep the plan')
    await tab.says(/^Renews on/)
  })

  it('S4.6 S3.1 an invoice is opened, and fetched as PDF', async () => {
    await tab.go('/settings/invoices')
    await tab.says('Nothing due')
    expect((await tab.download(/^Download receipt/)).slice(0, 5)).toBe('%PDF-')
    await page.getByRole('button', { name: /^View/ }).first().click()
    await page.getByRole('heading', { name: /^Invoice / }).waitFor()
    await settled(page)
    await picture(page, `${name}-invoice`)
    expect(await seriousFindings(page)).toEqual([])
  })

  it('S4.6 S4.5 what models cost is fetched as CSV', async () => {
    await tab.go('/settings/billing')
    const [head, ...rows] = (await tab.download('Export CSV')).trim().split('\n')
    expect(head).toContain('model')
    expect(rows.length).toBe(3)
    expect(rows[0]).toContain('parrot-large')
  })

  it('S4.6 a plan is bought for life by another account', async () => {
    const other = await openPage(await openVisitor(browser()), area().url)
    const others = tabOf(other, area().url)
    await other.getByLabel('E-mail').fill('lena@example.com')
    await others.click('Sign in')
    await other.waitForURL(/\/playground$/)
    await others.go('/settings/plans')
    await others.click('Buy for $499.00')
    await other.getByRole('dialog').getByRole('button', { name: 'Buy for $499.00' }).click()
    await others.payOnHostedPage()
    await others.says('You are on Lifetime now.')
    await others.go('/settings/plans')
    await others.says(/^Yours since/)
    await picture(other, `${name}-lifetime`)
    // Turned back from a page that was paid in another tab: nothing is claimed but what is true.
    await others.go('/billing/cancel')
    await others.says('Thank you')
    expect(other.complaints).toEqual([])
    await other.context().close()
  })

  let payer: OpenedPage
  it('S4.6 S4.5 S3.11 a use is explained: counts, prices, margin, Sparks, rounding, who paid, and who was told', async () => {
    payer = await openPage(await openVisitor(browser()), area().url)
    const payers = tabOf(payer, area().url)
    await payer.getByLabel('E-mail').fill('paula@example.com')
    await payers.click('Sign in')
    await payer.waitForURL(/\/playground$/)
    await payers.go('/settings/plans')
    await payers.click('Upgrade to Pay as you go')
    await payers.click('Continue to payment')
    await payers.payOnHostedPage()
    await payers.says('You are on Pay as you go now.')
    await payers.go('/playground')
    await payers.click(/^Read a book/)
    await payers.says(/^Parrot read the book/)
    await payers.go('/settings/usage')
    await payers.click('AI tokens: how it came about')
    const dialog = payer.getByRole('dialog', { name: 'How this came about' })
    for (const words of ['What the model cost', 'Times the margin of 1.2', 'On an invoice of Stripe', 'it agrees'])
      await dialog.getByText(words).waitFor()
    await picture(payer, `${name}-explained`)
    expect(await seriousFindings(payer)).toEqual([])
    await payer.keyboard.press('Escape')
    expect(await payer.evaluate(() => document.activeElement?.textContent)).toBe('AI tokens')
  })

  it.each(pages)(
    'S4.6 %s: nothing serious for axe in light and dark, nothing to scroll sideways, no jump, no complaint',
    async (path) => {
      for (const [theme, width] of looks) {
        await page.emulateMedia({ colorScheme: theme })
        await page.setViewportSize({ width, height: 900 })
        if (width === 320) {
          await tab.go(path)
          expect(await page.evaluate(() => (window as unknown as { jumped: number }).jumped)).toBeLessThan(0.1)
        } else expect(await seriousFindings(page), theme).toEqual([])
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(overflow, `${width}`).toBeLessThanOrEqual(0)
        await picture(page, `${name}${path.replaceAll('/', '-')}-${theme}-${width}`)
      }
      expect(page.complaints).toEqual([])
    },
  )

  it('S4.6 S0.5 S0.3 the card is changed after one was declined; a renewal that fails is paid with another card', {
    // An app that delivers by itself does so ten seconds after the minute of the use.
    timeout: 150_000,
  }, async () => {
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 1_440, height: 900 })
    await tab.go('/settings/billing')
    await tab.click('Add payment method')
    await tab.click('Continue to the payment provider')
    await page.waitForURL(/\/checkout\//)
    await tab.payWith(cards.poor)
    await page.getByRole('alert').waitFor()
    // It can be saved; what it is charged with later fails.
    await tab.payOnHostedPage(cards.failing)
    await tab.go('/settings/billing')
    await tab.makeDefault('0341')

    await area().deliver?.()
    const { request } = payer
    await expect
      .poll(
        async () => {
          const { results } = await (await request.get(`${area().url}/api/billing/credits/usage`)).json()
          const address = `${area().url}/api/billing/explanations/${results[0].id}`
          return (await (await request.get(address)).json()).deliveries.map(({ status }: { status: string }) => status)
        },
        { timeout: 70_000, interval: 1_000 },
      )
      .not.toContain('queued')
    await control(area(), 'clock', { advanceMs: 32 * dayMs })
    await control(area(), 'webhooks/flush')
    await tab.go('/settings/invoices')
    await tab.says(/ due$/)
    await picture(page, `${name}-due`)
    await tab.click(/^Pay now/)
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: /^Pay \$/ }).click()
    await dialog
      .getByRole('alert')
      .getByText(/is still open/)
      .waitFor()
    expect(await dialog.evaluate((element) => getComputedStyle(element).textAlign)).toBe('start')
    await picture(page, `${name}-declined`)
    await tab.go('/settings/billing')
    await tab.says('Past due')
    await picture(page, `${name}-past-due`)
    await tab.makeDefault('4242')
    await tab.go('/settings/invoices')
    await tab.click(/^Pay now/)
    await dialog.getByRole('button', { name: /^Pay \$/ }).click()
    await tab.says(/is paid\.$/)
    await tab.says('Nothing due')
  })

  it('S4.6 S4.5 a line of an invoice says what it is summed from, down to each use', async () => {
    const payers = tabOf(payer, area().url)
    await payers.go('/settings/invoices')
    await payer.getByRole('button', { name: /^View/ }).first().click()
    await payers.click('AI tokens, in Sparks: how it came about')
    const line = payer.getByRole('dialog', { name: 'How “AI tokens, in Sparks” came about' })
    await line.getByText('Price of a Spark').waitFor()
    const charged = line.getByRole('cell').last()
    await charged.waitFor()
    // The use that is listed is all that the provider counted, but for less than a Spark.
    const figureOf = async (text: string | null) => Math.floor(Number((text ?? '').replaceAll(/[^\d.]/g, '')))
    const counted = line.locator('div', { hasText: 'Counted by Stripe' }).last().locator('dd')
    expect(await figureOf(await counted.textContent())).toBe(await figureOf(await charged.textContent()))
    await payer.setViewportSize({ width: 320, height: 900 })
    expect(await line.evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0)
    await payer.setViewportSize({ width: 1_440, height: 900 })
    await picture(payer, `${name}-invoice-line`)
    expect(await seriousFindings(payer)).toEqual([])
    await line
      .getByRole('button', { name: /how it came about$/ })
      .first()
      .click()
    await payer.getByRole('dialog', { name: 'How this came about' }).getByText('it agrees').waitFor()
    await picture(payer, `${name}-invoice-line-explained`)
    await payer.keyboard.press('Escape')
    expect(await payer.getByRole('dialog').count()).toBe(1)
    expect(payer.complaints).toEqual([])
    await payer.context().close()
  })
}

/** Pages that are somebody's. */
const pages = [
  '/playground',
  '/settings/billing',
  '/settings/usage',
  '/settings/plans',
  '/settings/invoices',
  '/billing/cancel',
] as const

const looks = [
  ['light', 320],
  ['dark', 768],
  ['light', 1_440],
] as const

type Tab = ReturnType<typeof tabOf>

/** What people do on a page. */
function tabOf(page: Page, url: string) {
  const says = (text: string | RegExp) => page.getByText(text).first().waitFor()
  const click = (name: string | RegExp) => page.getByRole('button', { name }).first().click()
  const payWith = async (card: string) => {
    const choice = page.locator(`input[name="card"][value="${card}"]`)
    if (!(await choice.isVisible())) await page.locator('details > summary', { hasText: 'Other test cards' }).click()
    await choice.check()
    await page.locator('button.primary[type="submit"]').click()
  }
  return {
    says,
    click,
    payWith,
    async go(path: string) {
      await page.goto(`${url}${path}`)
      await settled(page)
      // What the server drew looks ready before it is: React marks what it has taken over.
      await page.waitForFunction(() =>
        Object.keys(document.querySelector('.billfold') ?? {}).some((key) => key.startsWith('__reactFiber')),
      )
    },
    /** Pays there, and comes back. */
    async payOnHostedPage(card = cards.good) {
      await page.waitForURL(/\/checkout\//)
      await payWith(card)
      await page.waitForURL(/\/billing\/success\?checkout=/)
      await says('Thank you')
    },
    async makeDefault(last4: string) {
      const method = page.locator('li', { hasText: `ending in ${last4}` }).first()
      await method.waitFor()
      const button = method.getByRole('button', { name: /^Make default/ })
      if ((await button.count()) > 0) await button.click()
      await method.getByText('Default', { exact: true }).waitFor()
    },
    /** What a button gives as a file, as bytes in latin1. */
    async download(name: string | RegExp) {
      const download = page.waitForEvent('download')
      await click(name)
      return readFileSync(await (await download).path(), 'latin1')
    },
  }
}

/** Moves the sandbox on. */
async function control({ sandboxUrl }: Area, path: string, body: object = {}): Promise<void> {
  const answer = await fetch(`${sandboxUrl}/_sandbox/${path}`, { method: 'POST', body: JSON.stringify(body) })
  expect(answer.status, path).toBe(200)
}
