import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  executablePath,
  type OpenedPage,
  openBrowser,
  openPage,
  picture,
  seriousFindings,
  settled,
} from '../browser/browser.js'
import { type NextApp, startNextApp } from './next-app.js'

const installMs = 900_000

describe.skipIf(executablePath === undefined)('the Next example in a browser', () => {
  let app: NextApp
  let browser: Browser
  let page: OpenedPage
  const button = (name: string | RegExp, on: Page = page) => on.getByRole('button', { name })
  const says = (text: string | RegExp) => page.getByText(text).first().waitFor()
  const go = async (path: string) => {
    await page.goto(`${app.url}${path}`)
    await settled(page)
    // What the server drew looks ready before it is: React marks what it has taken over.
    await page.waitForFunction(() =>
      Object.keys(document.querySelector('.billfold') ?? {}).some((key) => key.startsWith('__reactFiber')),
    )
  }
  /** Pays with the card that is chosen there already, and comes back. */
  const payOnHostedPage = async () => {
    await page.waitForURL(/\/checkout\//)
    await page.locator('button.primary[type="submit"]').click()
    await page.waitForURL(/\/billing\/success\?checkout=/)
    await says('Thank you')
  }

  beforeAll(async () => {
    ;[app, browser] = await Promise.all([startNextApp(), openBrowser()])
    page = await openPage(browser, app.url, 1_440)
  }, installMs)
  afterAll(async () => {
    await browser?.close()
    // Nothing hangs: worker and sandbox end with the server.
    if (app) expect(await app.stop()).toBe(true)
  })

  it('S4.6 asks who one is first, by e-mail alone, and keeps that in a cookie which no script reads', async () => {
    for (const path of [
      '/playground',
      '/settings/billing',
      '/settings/usage',
      '/settings/plans',
      '/settings/invoices',
    ]) {
      const { url } = await fetch(`${app.url}${path}`)
      expect(new URL(url).pathname, path).toBe('/')
    }
    expect((await fetch(`${app.url}/api/billing/account`)).status).toBe(401)
    await picture(page, 'next-sign-in')
    expect(await seriousFindings(page)).toEqual([])
    await button('Sign in').click()
    await page.waitForURL(/\/playground$/)
    const [cookie] = await page.context().cookies(app.url)
    expect(cookie).toMatchObject({ name: 'parrot_session', httpOnly: true, sameSite: 'Lax' })
    // Another name under the same signature is nobody.
    const [, signature] = (cookie?.value ?? '').split('.')
    const forged = `parrot_session=${Buffer.from('rich@example.com').toString('base64url')}.${signature}`
    expect((await fetch(`${app.url}/api/billing/account`, { headers: { cookie: forged } })).status).toBe(401)
  })

  it('S4.6 comes from the server with its figures', async () => {
    const answer = await page.request.get(`${app.url}/settings/billing`)
    const html = await answer.text()
    for (const figure of ['2,000 Sparks left', '100,000', 'Limits start anew on'])
      expect(html.replaceAll('<!-- -->', ''), figure).toContain(figure)
    expect(html.match(/billfold-skeleton/g)?.length ?? 0).toBeLessThan(12)
  })

  it('S4.6 S0.6 S3.9 is used until it is near its limit and then refused; credits are bought on the hosted page, and it goes on', async () => {
    await go('/playground')
    for (const used of ['42,000', '84,000']) {
      await button(/^Read a book/).click()
      await says(used)
    }
    await says('Near the limit')
    await button(/^Read a book/).click()
    await says('Requests are refused')
    await says(/^Buy credits: [\d,.]+ Sparks are missing/)
    await picture(page, 'next-throttled')
    await button('Buy credits').click()
    await button('Continue to pay $50.00').click()
    await payOnHostedPage()
    await says('1,250,000 Sparks were added. Your balance is 1,252,000 Sparks.')
    await picture(page, 'next-success')
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('link', { name: 'Back to billing' }).click()
    await go('/playground')
    expect(await page.getByText('Requests are refused').count()).toBe(0)
    await button(/^Read a book/).click()
    await says(/^Parrot read the book.*Sparks of your credit\.$/)
  })

  it('S4.6 S1.5 is upgraded by clicks alone: paid on the hosted page, then with a preview of what is due today', async () => {
    await go('/settings/plans')
    await button('Upgrade to Starter').click()
    await button('Continue to payment').click()
    await payOnHostedPage()
    await says('You are on Starter now.')
    await go('/settings/plans')
    await button('Upgrade to Pro').click()
    await says('To pay today')
    await picture(page, 'next-upgrade')
    await button(/^Pay \$\d+\.\d\d and change$/).click()
    await says('You are on Pro now.')
    await page.locator('.billfold-plan-current', { hasText: 'Pro' }).waitFor()
  })

  it('S4.6 S1.5 the plan is canceled, and kept after all', async () => {
    await go('/settings/billing')
    await button('Cancel plan').click()
    await button('Cancel at the end of the period').click()
    await says(/^Ends on/)
    await button('Keep the plan').click()
    await says(/^Renews on/)
  })

  it('S4.6 S3.1 invoices are listed, and fetched as PDF', async () => {
    await go('/settings/invoices')
    const download = page.waitForEvent('download')
    await button(/^Download receipt/)
      .first()
      .click()
    const file = await download
    expect(file.suggestedFilename()).toMatch(/\.pdf$/)
    expect(readFileSync(await file.path(), 'latin1').slice(0, 5)).toBe('%PDF-')
  })

  it.each([
    'playground',
    'settings/billing',
    'settings/usage',
    'settings/plans',
    'settings/invoices',
    'billing/cancel',
  ])(
    'S4.6 /%s: nothing serious for axe in light and dark, nothing to scroll sideways, no jump, no complaint',
    async (path) => {
      for (const [theme, width] of [
        ['light', 320],
        ['dark', 768],
        ['light', 1_440],
      ] as const) {
        await page.emulateMedia({ colorScheme: theme })
        await page.setViewportSize({ width, height: 900 })
        if (width === 320) {
          await go(`/${path}`)
          expect(await page.evaluate(() => (window as unknown as { jumped: number }).jumped)).toBeLessThan(0.1)
        } else expect(await seriousFindings(page), theme).toEqual([])
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(overflow, `${width}`).toBeLessThanOrEqual(0)
        await picture(page, `next-${path.replace('/', '-')}-${theme}-${width}`)
      }
      expect(page.complaints).toEqual([])
    },
  )

  it('S4.6 gives browsers no secret and nothing of the server', () => {
    const folder = join(app.folder, '.next/static')
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'))
    const sent = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')
    expect(sent).toContain('Buy credits')
    for (const secret of ['sk_test_', 'whsec_', 'SESSION_SECRET', 'webhookSecret', 'parrot_session', 'CREATE TABLE'])
      expect(sent, secret).not.toContain(secret)
  })
})
