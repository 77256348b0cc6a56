import { createBilling } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { accountId, catalog, expectRefused, open, otherAccountId } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe.each(stores)('cursors on $name', (tested) => {
  async function start() {
    const setting = await open(tested, closing)
    for (const id of [accountId, otherAccountId])
      for (const key of ['u-1', 'u-2', 'u-3'])
        await setting.billing.recordUsage({ accountId: id, meter: 'ai_tokens', quantity: 10, idempotencyKey: key })
    return setting
  }

  it('S6 S3.10 belong to the list they were made for: its account, its kind and its question', async () => {
    const setting = await start()
    const { usage, credits, costs } = setting.billing
    const cursor = (await usage.list({ accountId, meter: 'ai_tokens', limit: 1 })).nextCursor ?? ''
    expect((await usage.list({ accountId, meter: 'ai_tokens', cursor })).items).toHaveLength(2)
    // How long the page is, is no part of the question.
    expect((await usage.list({ accountId, meter: 'ai_tokens', limit: 1, cursor })).items).toHaveLength(1)
    for (const call of [
      () => usage.list({ accountId: otherAccountId, meter: 'ai_tokens', cursor }),
      () => usage.list({ accountId, cursor }),
      () => usage.list({ accountId, meter: 'images', cursor }),
      () => usage.list({ accountId, meter: 'ai_tokens', from: '2026-11-01', cursor }),
      () => costs.list({ accountId, cursor }),
      () => credits.transactions({ accountId, cursor }),
    ])
      await expectRefused(setting, 'invalid_cursor', call)
  })

  it('S6 of which anything was changed are refused', async () => {
    const setting = await start()
    const { credits } = setting.billing
    const cursor = (await credits.transactions({ accountId, limit: 1 })).nextCursor ?? ''
    const [seal = '', end = '', position = ''] = atob(cursor).split(' ')
    const changed = [
      [seal, end, `${position}0`],
      [seal, end, '1'],
      [seal, `z${end}`, position],
      [`${seal.slice(0, -1)}${seal.endsWith('0') ? '1' : '0'}`, end, position],
      [seal.slice(0, 16), end, position],
      ['', end, position],
      [seal, end, position, 'more'],
      [seal, end],
      [seal, `${end} ${position}`],
      ['0'.repeat(32), end, position],
    ].map((parts) => btoa(parts.join(' ')))
    for (const wrong of [...changed.filter((each) => each !== cursor), cursor.slice(0, -4), `${cursor}AAAA`])
      await expectRefused(setting, 'invalid_cursor', () => credits.transactions({ accountId, cursor: wrong }))
    expect((await credits.transactions({ accountId, cursor })).items).toHaveLength(2)
  })

  it('S6 are good for a day', async () => {
    const setting = await start()
    const { credits } = setting.billing
    const cursor = (await credits.transactions({ accountId, limit: 1 })).nextCursor ?? ''
    setting.advance(86_399_999)
    expect((await credits.transactions({ accountId, cursor })).items).toHaveLength(2)
    setting.advance(1)
    const late = await expectRefused(setting, 'invalid_cursor', () => credits.transactions({ accountId, cursor }))
    expect(late.message).toContain('older than a day')
  })

  it('S6 are understood by every process on the store, also where all begin at once', async () => {
    const { billing, store, now } = await start()
    const others = [1, 2, 3].map(() => createBilling({ catalog, store, environment: { now } }))
    const services = [billing.credits, ...others.map(({ credits }) => credits)]
    const cursors = await Promise.all(
      services.map(async (credits) => (await credits.transactions({ accountId, limit: 1 })).nextCursor ?? ''),
    )
    for (const cursor of cursors)
      for (const credits of services) expect((await credits.transactions({ accountId, cursor })).items).toHaveLength(2)
  })
})
