import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { executablePath, openBrowser, openPage, openVisitor } from '../browser/browser.js'
import { journeys } from '../browser/journeys.js'
import { type NextApp, startNextApp } from './next-app.js'

const installMs = 900_000

describe.skipIf(executablePath === undefined)('the Next example in a browser', () => {
  let app: NextApp
  let browser: Browser

  beforeAll(async () => {
    ;[app, browser] = await Promise.all([startNextApp(), openBrowser()])
  }, installMs)
  afterAll(async () => {
    await browser?.close()
    // Nothing hangs: worker and sandbox end with the server, and SQLite has put everything into its one file.
    if (app) expect(await app.stop()).toEqual({ hasEnded: true, log: 0 })
  })

  it('S4.6 comes from the server with its figures', async () => {
    const page = await openPage(await openVisitor(browser), app.url)
    await page.getByLabel('E-mail').fill('server@example.com')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(/\/playground$/)
    const answer = await page.request.get(`${app.url}/settings/billing`)
    const html = await answer.text()
    for (const figure of ['2,000 Sparks left', '100,000', 'Limits start anew on'])
      expect(html.replaceAll('<!-- -->', ''), figure).toContain(figure)
    expect(html.match(/billfold-skeleton/g)?.length ?? 0).toBeLessThan(12)
    await page.context().close()
  })

  journeys(
    'next',
    () => app,
    () => browser,
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
