import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe } from 'vitest'
import { executablePath, openBrowser } from './browser.js'
import { openExpressApp } from './express-app.js'
import { journeys } from './journeys.js'

describe.skipIf(executablePath === undefined)('the Express example in a browser', () => {
  let app: Awaited<ReturnType<typeof openExpressApp>>
  let browser: Browser
  beforeAll(async () => {
    ;[app, browser] = await Promise.all([openExpressApp(), openBrowser()])
  })
  afterAll(async () => {
    await browser?.close()
    await app?.close()
  })
  journeys(
    'express',
    () => app,
    () => browser,
  )
})
