import { createHash } from 'node:crypto'
import { createAdminHandler, createHandler } from 'billfold/http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { html } from '../../src/http/reference/html.js'
import { referencePage } from '../../src/http/reference/page.js'
import { openWorld, site, type World } from './world.js'

let world: World
beforeAll(async () => {
  world = await openWorld({ reference: true })
})
afterAll(() => world.close())

describe('the reference page', () => {
  it('S4.1 shows every route and schema of the document, each once, and every link leads somewhere', async () => {
    const { status, headers, body: page } = await world.ask('GET', '/reference', undefined, { authorization: '' })
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const document = world.handler.document() as {
      paths: Record<string, Record<string, { operationId: string; summary: string }>>
      components: { schemas: Record<string, unknown> }
    }
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    for (const { operationId } of operations)
      expect(
        ids.filter((id) => id === operationId),
        operationId,
      ).toHaveLength(1)
    for (const name of Object.keys(document.components.schemas)) expect(ids).toContain(`schema-${name}`)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target)
    expect(operations.length).toBeGreaterThan(30)
  })

  it('S12 loads nothing, runs nothing, and its policy lets in its own style alone', async () => {
    const { headers, body: page } = await world.ask('GET', '/reference')
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    const policy = headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain(`style-src 'sha256-${hash}'`)
    expect(policy).toContain("frame-ancestors 'none'")
    expect(page).not.toMatch(/<script|<link|<img|<iframe|src=|@import|url\(|style="|javascript:|https?:\/\//)
    expect((await world.ask('GET', '/plans')).headers.get('content-security-policy')).toBe(
      "default-src 'none'; frame-ancestors 'none'",
    )
  })

  it('S12 what is written into a page is text there, whatever it is', async () => {
    const wild = `"><script>alert('1')</script>&`
    expect(html`<p title="${wild}">${[wild, html`<b>${wild}</b>`]}</p>`.text).not.toContain('<script>')
    const operation = { operationId: wild, summary: wild, description: wild, responses: { 200: { description: wild } } }
    const schemas = { [wild]: { description: wild, properties: { [wild]: { example: wild, enum: [wild] } } } }
    const info = { title: wild, version: wild, description: wild }
    const page = await referencePage(
      { info, paths: { [`/${wild}`]: { [wild]: operation } }, components: { schemas } },
      wild,
    )
    expect(await page.text()).not.toContain('<script>')
  })

  it('S4.1 is there where it is asked for, for customers and for operators, and nowhere else', async () => {
    const status = async (handler: (request: Request) => Promise<Response>, path: string) =>
      (await handler(new Request(`${site}${path}`))).status
    const identify = () => null
    const [plain, admin] = [
      createHandler(world.billing, { identify }),
      createAdminHandler(world.billing, { identify, reference: true }),
    ]
    expect(await status(plain, '/api/billing/reference')).toBe(404)
    expect(await status(admin, '/api/billing-admin/reference')).toBe(200)
  })
})
