import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { busyAccount, subscribe } from './accounts.js'
import {
  executablePath,
  type OpenedPage,
  openBrowser,
  openPage,
  openVisitor,
  picture,
  seriousFindings,
  settled,
} from './browser.js'
import { openSite, type Site } from './site.js'

describe.skipIf(executablePath === undefined)('the billing area in a browser', () => {
  let site: Site
  let browser: Browser
  let visitor: BrowserContext
  const pages: OpenedPage[] = []
  const open = async (query: string, width?: number) => {
    const page = await openPage(visitor, `${site.url}/?${query}`, width)
    pages.push(page)
    return page
  }
  const shown = async (query: string, width?: number) => {
    const page = await open(query, width)
    await settled(page)
    return page
  }
  const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

  beforeAll(async () => {
    ;[site, browser] = await Promise.all([openSite(), openBrowser()])
    visitor = await openVisitor(browser)
    await busyAccount(site, 'acme')
    for (const accountId of ['empty', 'buyer', 'newcomer', 'hosted'])
      await site.billing.accounts.ensure({ accountId, email: `${accountId}@example.com` })
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })
  beforeEach(() => {
    site.asked.length = 0
  })
  afterEach(async () => {
    site.faults.clear()
    await Promise.all(pages.splice(0).map((page) => page.close()))
  })

  const views = ['overview', 'usage', 'plans', 'methods', 'invoices', 'costs', 'credits', 'keys', 'success', 'cancel']
  it.each(views)(
    'S4.5 %s: nothing serious for axe in light and dark, no complaint, no jump, nothing to scroll sideways',
    async (view) => {
      const page = await open(`view=${view}&account=acme&live=off`, 320)
      await settled(page)
      for (const [theme, width] of [
        ['light', 320],
        ['dark', 768],
        ['light', 1_440],
      ] as const) {
        await page.setViewportSize({ width, height: 900 })
        await page.evaluate((scheme) => document.documentElement.style.setProperty('color-scheme', scheme), theme)
        if (width === 320)
          expect(await page.evaluate(() => (window as unknown as { jumped: number }).jumped)).toBeLessThan(0.1)
        else expect(await seriousFindings(page), theme).toEqual([])
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(overflow, `${width}`).toBeLessThanOrEqual(0)
        await picture(page, `${view}-${theme}-${width}`)
      }
      expect(page.complaints).toEqual([])
    },
  )

  it.each(['ar', 'de'])('S4.5 is read in %s, from its side, with its numbers', async (locale) => {
    const page = await shown(`view=overview&account=acme&locale=${locale}&live=off`, 768)
    await picture(page, `overview-${locale}-768`)
    expect(await page.locator('.billfold').getAttribute('dir')).toBe(locale === 'ar' ? 'rtl' : 'ltr')
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
    // A date within a sentence that is not translated keeps its own direction.
    if (locale === 'ar')
      expect(await page.getByText('Renews on').textContent()).toMatch(/Renews on \u2068[^\u2069]+\u2069/)
    if (locale === 'de')
      await expect.poll(() => page.getByText('79,00 €').or(page.getByText('79,00 $')).first().isVisible()).toBe(true)
  })

  it('S4.4 answers are kept under the resource and the account, five minutes, costs one; a write reads anew what it changed', async () => {
    await site.billing.accounts.ensure({ accountId: 'hooks', email: 'hooks@example.com' })
    await subscribe(site, 'hooks', 'starter')
    const page = await shown('view=overview&account=hooks&live=off')
    const kept = await page.evaluate(() => {
      interface Kept {
        readonly queryKey: readonly string[]
        readonly observers: readonly { readonly options: { readonly staleTime: number } }[]
      }
      const { queryClient } = window as unknown as { queryClient: { getQueryCache(): { getAll(): Kept[] } } }
      const all = queryClient.getQueryCache().getAll()
      return all.map(
        ({ queryKey, observers }) => [queryKey.slice(0, 3).join(' '), observers[0]?.options.staleTime] as const,
      )
    })
    const minute = 60_000
    expect(Object.fromEntries(kept)).toMatchObject({
      'billing account own': 5 * minute,
      'billing subscription own': 5 * minute,
      'billing paymentMethods own': 5 * minute,
      'billing invoices own': 5 * minute,
      'billing usageLimits own': 5 * minute,
      'billing costs own': minute,
    })
    site.asked.length = 0
    await button(page, /^Make default/).click()
    await page.getByText('Default', { exact: true }).waitFor()
    await expect
      .poll(() => site.asked.map(({ method, path }) => `${method} ${path.replace(/pm_\w+/, 'pm')}`).sort())
      .toEqual(['GET /account', 'GET /payment-methods', 'POST /payment-methods/pm/set_default'])
  })

  it('S4.5 says what will be in an empty account, and how to make it', async () => {
    const page = await shown('view=overview&account=empty&theme=light&live=off')
    await picture(page, 'overview-empty')
    for (const text of ['No credits yet', 'No payment method yet', 'No invoices yet', 'No costs in these days'])
      expect(await page.getByText(text).isVisible(), text).toBe(true)
    expect(await seriousFindings(page)).toEqual([])
  })

  it('S4.5 shows the outline of what is being read, and of what cannot be read why not, the rest being there; trying again mends it', async () => {
    const problem = {
      code: 'provider_unavailable',
      detail: 'Stripe does not answer.',
      outcome: 'not_applied',
      retryable: false,
    }
    const body = JSON.stringify({ ...problem, request_id: '5f2d1c34-aaaa' })
    const headers = { 'content-type': 'application/problem+json' }
    site.faults.set('GET /invoices', new Response(body, { status: 502, headers }))
    site.faults.set('GET /credits/balance', 'slow')
    const page = await open('view=overview&account=acme&theme=light&live=off')
    await page.getByText('Stripe does not answer.').waitFor()
    expect(await page.getByText('5f2d1c34').isVisible()).toBe(true)
    await page.getByText('$79.00').first().waitFor()
    // The others come in their own time; the slow one is still drawn as an outline then.
    await expect.poll(() => page.locator('[aria-busy="true"] .billfold-skeleton').count()).toBe(1)
    await picture(page, 'overview-partial')
    site.faults.clear()
    await button(page, 'Try again').click()
    await page.getByRole('cell', { name: '$79.00' }).first().waitFor()
  })

  it.each([
    ['usage', 1, 320],
    ['overview', 1, 320],
    ['invoices', 0, 320],
    ['credits', 0, 768],
    ['overview', 4, 1_440],
  ])(
    'S4.5 what is read is as high as what was seen the last time: %s with %i meters does not move on %i pixels',
    async (view, count, width) => {
      const limits = await site.billing.usage.limits({ accountId: 'acme' })
      expect(limits.meters).toHaveLength(4)
      const reset = '2026-12-01T00:00:00.000Z'
      const meter = { meter: 'ai_tokens', unit: 'token', status: 'below_quota', used: '5', held: '0', included: '10' }
      const period = { limit: '10', remaining: '5', period_start: reset, resets_at: reset }
      const body = { plan: 'pro', limits: [{ ...meter, ...period }], budgets: [] }
      if (count === 1) site.faults.set('GET /credits/usage/limits', Response.json(body))
      const page = await shown(`view=${view}&account=acme&live=off`, width)
      expect(await page.locator('.billfold-quota').count()).toBe(count)
      await page.reload()
      await settled(page)
      expect(await page.evaluate(() => (window as unknown as { jumped: number }).jumped)).toBeLessThan(0.005)
    },
  )

  it('S4.5 offers whoever may only look nothing that changes anything', async () => {
    const page = await shown('view=overview&account=acme:read&live=off')
    expect(await page.getByText('You can look at billing here').isVisible()).toBe(true)
    for (const name of ['Buy credits', 'Change plan', 'Cancel plan', 'Add payment method', /^Upgrade/, /^Remove/])
      expect(await button(page, name).count(), String(name)).toBe(0)
  })

  it('S4.5 S1.4 buys credits in amounts on offer or of one’s own within bounds, is paid, and says what is true', async () => {
    const page = await shown('view=credits&account=buyer&theme=light')
    await button(page, 'Buy credits').click()
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    expect(await dialog.getByRole('radio').count()).toBe(6)
    await dialog.getByRole('radio', { name: 'Another amount' }).check({ force: true })
    await dialog.getByLabel('Another amount').last().fill('1000.01')
    await button(page, 'Continue to payment').click()
    await page.getByText('Enter an amount from $1.00 to $1,000.00').waitFor()
    await picture(page, 'buy-credits')
    expect(await seriousFindings(page)).toEqual([])
    await dialog.getByLabel('Another amount').last().fill('12,50')
    await page.getByText('Gives 312,500 Sparks').waitFor()
    await button(page, 'Continue to pay $12.50').click()
    await page.waitForURL(/\/checkout\//)
    await page.locator('button', { hasText: /pay/i }).first().click()
    await page.waitForURL(/view=success/)
    await page.getByText('312,500 Sparks were added. Your balance is 312,500 Sparks.').waitFor()
    expect(await page.getByText('$12.50 was paid.').isVisible()).toBe(true)
    await picture(page, 'success')
    expect((await site.billing.credits.balance({ accountId: 'buyer' })).balance).toBe(312_500_000_000n)
  })

  it('S4.6 a page that was drawn by a server is taken over without a difference, and then shows what the tab remembers', async () => {
    const html = await (await fetch(`${site.url}/hydrated`)).text()
    expect(html).toContain('Waiting for the payment')
    const page = await open('')
    await page.evaluate(() => sessionStorage.setItem('billfold.checkout', 'chk_unknown'))
    page.complaints.length = 0
    const answered = page.waitForResponse(/checkout\/chk_unknown/)
    await page.goto(`${site.url}/hydrated`)
    await answered
    // What it asks for is not there; that React found no difference is what this is about.
    expect(page.complaints.filter((each) => !each.startsWith('Failed to load resource'))).toEqual([])
  })

  it('S4.7 shows a balance that changes elsewhere without being asked, and lists what changed it', async () => {
    await site.billing.accounts.ensure({ accountId: 'live', email: 'live@example.com' })
    const page = await shown('view=credits&account=live')
    await page.getByText('0 Sparks left').waitFor()
    await page.waitForTimeout(300)
    const grant = { accountId: 'live', amount: '1234.5', reason: 'Bonus of the day', idempotencyKey: 'bonus' }
    await site.billing.credits.grant(grant)
    await page.getByText('1,234.5 Sparks left').waitFor({ timeout: 10_000 })
    await page.getByRole('cell', { name: '+1,234.5' }).waitFor({ timeout: 10_000 })
  })

  it('S4.5 changes the plan at the amounts it showed, with what is left of the period set off', async () => {
    await site.billing.accounts.ensure({ accountId: 'mover', email: 'mover@example.com' })
    await subscribe(site, 'mover', 'pro')
    const page = await shown('view=plans&account=mover&theme=light&live=off')
    await button(page, 'Upgrade to Team').click()
    const pay = page.getByRole('button', { name: /^Pay \$[\d.]+ and change$/ })
    await pay.waitFor()
    await picture(page, 'upgrade')
    expect(await seriousFindings(page)).toEqual([])
    const amount = /\$([\d.]+)/.exec((await pay.textContent()) ?? '')?.[1]
    await pay.click()
    await page.getByText('You are on Team now.').waitFor()
    await expect.poll(() => page.locator('.billfold-plan-current').textContent()).toContain('Team')
    const [newest] = (await site.billing.listInvoices({ accountId: 'mover', limit: 1 })).items
    expect(Number(newest?.total)).toBe(Number(amount))
    const change = site.asked.find(({ path }) => path === '/subscription/change')
    expect(change?.idempotencyKey).toMatch(/^web_[0-9a-f]{32}$/)
  })

  it('S4.5 chooses a first plan by the month or the year and goes on to pay', async () => {
    const page = await shown('view=plans&account=newcomer&live=off')
    await page.getByRole('radio', { name: 'Yearly' }).check({ force: true })
    await page.getByText('$790.00').waitFor()
    expect(await page.getByText('$79.00').count()).toBe(0)
    await button(page, 'Upgrade to Pro').click()
    await button(page, 'Continue to payment').click()
    await page.waitForURL(/\/checkout\//)
    expect(await page.getByText('$790.00').first().isVisible()).toBe(true)
  })

  it('S4.5 cancels only after asking, until then can take it back, and says until when', async () => {
    await site.billing.accounts.ensure({ accountId: 'leaver', email: 'leaver@example.com' })
    await subscribe(site, 'leaver', 'starter')
    const page = await shown('view=subscription&account=leaver&theme=light&live=off')
    await button(page, 'Cancel plan').click()
    await page.getByRole('dialog', { name: 'Cancel Starter?' }).waitFor()
    await picture(page, 'cancel-plan')
    await page.keyboard.press('Escape')
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel plan')
    expect(site.asked.filter(({ method }) => method === 'POST')).toEqual([])
    await button(page, 'Cancel plan').click()
    await button(page, 'Cancel at the end of the period').click()
    await page.getByText(/^Ends on/).waitFor()
    await button(page, 'Keep the plan').click()
    await page.getByText(/^Renews on/).waitFor()
  })

  it('S4.5 a write that nobody answered is tried again under the key of the same intent, another intent has another', async () => {
    await site.billing.accounts.ensure({ accountId: 'retry', email: 'retry@example.com' })
    const page = await shown('view=keys&account=retry&theme=light&live=off')
    await button(page, 'Create key').first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Create key' }).click()
    await page.getByText('Give it a name.').waitFor()
    await dialog.getByLabel('Name').fill('production')
    site.faults.set('POST /api-keys', null)
    await dialog.getByRole('button', { name: 'Create key' }).click()
    await page.getByText('Trying again is safe').waitFor()
    await picture(page, 'create-key-unanswered')
    site.faults.clear()
    await dialog.getByRole('button', { name: 'Create key' }).click()
    const secret = await page.getByRole('dialog', { name: 'Your new key' }).locator('code').textContent()
    expect(secret).toMatch(/^sk-/)
    expect(await seriousFindings(page)).toEqual([])
    const keys = site.asked.filter(({ path, method }) => path === '/api-keys' && method === 'POST')
    expect(keys.length).toBeGreaterThanOrEqual(2)
    expect(new Set(keys.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
    await button(page, 'I have copied it').click()
    await button(page, 'Revoke production').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('production was revoked.').waitFor()
    expect((await site.billing.apiKeys.list({ accountId: 'retry' })).items.map(({ status }) => status)).toEqual([
      'revoked',
    ])
  })

  it('S4.5 S3.5 a card is typed into the provider’s fields in the page, becomes the default, and is removed after asking', async () => {
    await site.billing.accounts.ensure({ accountId: 'card', email: 'card@example.com' })
    const page = await shown(`view=methods&account=card&theme=dark&live=off&stripe-js=${site.box.stripeJsUrl}`)
    await button(page, 'Add payment method').click()
    const fields = page.frameLocator('iframe')
    await fields.getByLabel('Card number').fill('4242 4242 4242 4241')
    await fields.getByLabel('Expiration date').fill('12 / 40')
    await fields.getByLabel('Security code').fill('123')
    await button(page, 'Add').last().click()
    await fields.getByText('Your card number is invalid.').waitFor()
    await picture(page, 'add-card')
    await fields.getByLabel('Card number').fill('4242 4242 4242 4242')
    await button(page, 'Add').last().click()
    await page.getByText('Visa ending in 4242').waitFor()
    await page.getByText('Default', { exact: true }).waitFor()
    const [method] = await site.billing.paymentMethods.list({ accountId: 'card' })
    expect(method).toMatchObject({ last4: '4242', isDefault: true })
    await button(page, 'Remove Visa ending in 4242').click()
    await page.getByText('Without another one the next payment fails.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('No payment method yet').waitFor()
  })

  it('S4.5 without Stripe.js a payment method is given on a page of the provider', async () => {
    const page = await shown('view=methods&account=hosted&live=off')
    await button(page, 'Add payment method').click()
    await button(page, 'Continue to the payment provider').click()
    await page.waitForURL(/\/checkout\//)
  })

  it('S4.5 S3.1 an invoice opens with its lines and sums, and is fetched as PDF', async () => {
    const page = await shown('view=invoices&account=acme&theme=light&live=off')
    const download = page.waitForEvent('download')
    await button(page, /^Download receipt/)
      .first()
      .click()
    expect((await download).suggestedFilename()).toMatch(/\.pdf$/)
    await button(page, /^View/).last().click()
    await page.getByRole('heading', { name: /^Invoice / }).waitFor()
    await settled(page)
    await picture(page, 'invoice')
    expect(await page.getByText('Subtotal').isVisible()).toBe(true)
    expect(await seriousFindings(page)).toEqual([])
  })

  it('S4.5 costs are fetched as CSV, and shown by day with the same figures as a table', async () => {
    const page = await shown('view=costs&account=acme&theme=light&live=off')
    await expect.poll(() => page.locator('.billfold-chart .recharts-bar-rectangle').count()).toBe(30)
    await page.getByText('Show as a table').click()
    expect(await page.getByRole('row').count()).toBe(31)
    const download = page.waitForEvent('download')
    await button(page, 'Export CSV').click()
    expect((await download).suggestedFilename()).toMatch(/^costs-.*\.csv$/)
  })

  it('S4.5 thousands of usage records are read page by page, and few of them are in the document', async () => {
    await site.billing.accounts.ensure({ accountId: 'many', email: 'many@example.com' })
    await site.billing.credits.grant({ accountId: 'many', amount: '900000', reason: 'plenty', idempotencyKey: 'many' })
    const usage = Array.from({ length: 700 }, (_, number) => ({
      accountId: 'many',
      meter: 'workflows' as const,
      quantity: 1,
      idempotencyKey: `many-${number}`,
    }))
    await site.billing.recordUsageBatch({ events: usage })
    const page = await shown('view=records&account=many&live=off')
    for (let more = 0; more < 8; more += 1) {
      const rows = await page.getByRole('row').nth(1).textContent()
      await button(page, 'Load more').click()
      await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'))
      expect(await page.getByRole('row').count()).toBeLessThanOrEqual(101)
      if (more > 2) expect(rows).not.toBeNull()
    }
    expect(site.asked.filter(({ path }) => path === '/credits/usage').length).toBe(5)
    await button(page, 'Show newer').click()
    expect(await page.getByRole('row').count()).toBeLessThanOrEqual(101)
  })

  it.each([
    ['near', 'near_quota', 'Near the limit'],
    ['full', 'at_quota', 'Limit reached'],
    ['refused', 'throttled', 'Requests are refused'],
  ] as const)(
    'S4.5 S0.6 a meter that is %s says so in words, with what helps beside it',
    async (accountId, status, words) => {
      await site.billing.accounts.ensure({ accountId, email: `${accountId}@example.com` })
      const used =
        status === 'near_quota'
          ? ({ meter: 'storage_gb', quantity: '1.9' } as const)
          : ({ meter: 'workflows', quantity: 5 } as const)
      await site.billing.recordUsage({ accountId, ...used, idempotencyKey: accountId })
      if (status === 'throttled') await site.billing.authorize({ accountId, meter: 'workflows', quantity: 1 })
      const page = await shown(`view=usage&account=${accountId}&theme=light&live=off`)
      await page.getByText(words).waitFor()
      await picture(page, `usage-${accountId}`)
      expect(await button(page, 'Get more').isVisible()).toBe(true)
    },
  )
})
