import { readFile } from 'node:fs/promises'
import SwaggerParser from '@apidevtools/swagger-parser'
import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { createHandler } from 'billfold/http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contractText } from '../../scripts/contract-types.mjs'
import { openApiText } from '../../scripts/openapi.mjs'
import { openWorld, type World } from './world.js'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

type Document = Parameters<typeof SwaggerParser.validate>[0] & { readonly paths: Record<string, object> }

describe('the OpenAPI document', () => {
  it('S4.1 is valid, and every operation has a name of its own, a summary and whoever may call it', async () => {
    const { status, body } = await world.ask('GET', '/openapi.json')
    expect(status).toBe(200)
    await SwaggerParser.validate(structuredClone(body) as Document)
    const operations = Object.values(body.paths as Record<string, Record<string, { operationId: string }>>).flatMap(
      (path) => Object.values(path),
    )
    // Stripe takes no payments that are approved by hand.
    const brought = world.handler.routes.filter(({ path }) => path !== '/payments/manual')
    expect(operations).toHaveLength(brought.length)
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    for (const operation of operations) {
      expect(operation).toMatchObject({ summary: expect.any(String), security: expect.any(Array) })
    }
  })

  it('S4.1 has each path under /api/billing, and every field of an answer', async () => {
    const document = world.handler.document() as Document & {
      components: { schemas: Record<string, { required: string[] }> }
    }
    expect(Object.keys(document.paths).every((path) => path.startsWith('/api/billing/'))).toBe(true)
    expect(document.components.schemas.Subscription?.required).toContain('lifetime_purchase_amount')
  })

  it('S4.1 is kept in docs/openapi.json', async () => {
    // Of a service with a provider that can do everything: npm run openapi writes it anew.
    expect(await readFile('docs/openapi.json', 'utf8')).toBe(await openApiText())
  })

  it('S4.2 has its types in src/client/contract.ts', async () => {
    // npm run openapi writes them anew.
    expect(await readFile('src/client/contract.ts', 'utf8')).toBe(await contractText())
  })

  it('law 11 leaves out what no provider can do here, which answers 501', async () => {
    const billing = createBilling({ catalog: defineCatalog({}), store: memoryStore() })
    const handler = createHandler(billing, {
      identify: () => ({ accountId: 'a', scopes: ['billing:read'], by: 'token' }),
    })
    const document = handler.document() as Document
    expect(Object.keys(document.paths)).toContain('/api/billing/credits/balance')
    expect(Object.keys(document.paths).filter((path) => /invoices|portal|checkout|payment/.test(path))).toEqual([])
    await SwaggerParser.validate(structuredClone(document))
    const answer = await handler(new Request('https://app.example/api/billing/invoices'))
    expect([answer.status, await answer.json()]).toMatchObject([501, { code: 'capability_missing' }])
    await billing.close()
  })
})
