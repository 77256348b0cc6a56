import type Stripe from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../src/testing/sandbox/sandbox.js'
import { stripeClient } from '../providers/sandboxed.js'

let box: Sandbox
let stripe: Stripe

beforeEach(async () => {
  box = await sandbox({ now: () => Date.parse('2026-11-01T00:00:00Z') })
  stripe = stripeClient(box)
})
afterEach(() => box.close())

describe('search', () => {
  it('C4 finds what is new a minute later, never at once', async () => {
    const { id } = await stripe.customers.create({ email: 'Ada@example.com', metadata: { account: 'a1' } })
    const query = "email:'ada@example.com' AND metadata['account']:'a1'"
    expect((await stripe.customers.search({ query })).data).toEqual([])
    box.advance(60_000)
    expect((await stripe.customers.search({ query })).data.map((each) => each.id)).toEqual([id])
  })

  it('C4 understands AND or OR, negation, parts and comparisons, and pages', async () => {
    for (const name of ['Ada', 'Bob', 'Adam', 'Eve']) await stripe.customers.create({ name })
    box.advance(60_000)
    const names = async (query: string) => (await stripe.customers.search({ query })).data.map(({ name }) => name)
    expect(await names('name~"ada"')).toEqual(['Adam', 'Ada'])
    expect(await names('name:"Bob" OR name:"Eve"')).toEqual(['Eve', 'Bob'])
    expect(await names('-name~"ada" created>0')).toEqual(['Eve', 'Bob'])
    const all = await stripe.customers.search({ query: 'created>0', limit: 3 }).autoPagingToArray({ limit: 10 })
    expect(all).toHaveLength(4)
  })

  it('C4 reads quotes within quotes, and counts what it found when asked to', async () => {
    const told = 'The "Sky" and the \\ Sea'
    for (const name of [told, "O'Brien", 'Eve']) await stripe.customers.create({ name })
    box.advance(60_000)
    const search = (query: string) => stripe.customers.search({ query, limit: 1, expand: ['total_count'] })
    expect((await search('name:"The \\"Sky\\" and the \\\\ Sea"')).data[0]?.name).toBe(told)
    expect((await search("name:'O\\'Brien'")).data[0]?.name).toBe("O'Brien")
    expect(await search('created>0')).toMatchObject({ total_count: 3, has_more: true })
    expect(await stripe.customers.search({ query: 'created>0' })).not.toHaveProperty('total_count')
  })

  it('C4 finds charges', async () => {
    const charge = { currency: 'usd', payment_method: 'pm_card_visa', confirm: true, return_url: 'https://app.example' }
    for (const amount of [1000, 2000]) await stripe.paymentIntents.create({ ...charge, amount })
    box.advance(60_000)
    const { data } = await stripe.charges.search({ query: 'amount>1500 AND refunded:"false" AND status:"succeeded"' })
    expect(data.map(({ amount }) => amount)).toEqual([2000])
  })

  it('C4 says what it does not understand', async () => {
    const search = (query: string) => stripe.customers.search({ query })
    await expect(search('shoe:"42"')).rejects.toMatchObject({ statusCode: 400, param: 'query' })
    await expect(search('name="Ada"')).rejects.toMatchObject({ statusCode: 400 })
    await expect(search('name:"a" AND name:"b" OR name:"c"')).rejects.toMatchObject({ statusCode: 400 })
  })
})
