import { createBilling, defineCatalog } from 'billfold'
import { afterEach, describe, expect, it } from 'vitest'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const accountId = 'acct_a'
const catalog = defineCatalog({
  meters: { calls: { rate: { mode: 'per_unit', sparks: '1', per: '1' } } },
  plans: { pro: { credits: { sparks: '100', rollover: '10' }, meters: { calls: { included: '30', limit: '50' } } } },
})

for (const tested of stores) {
  describe(`another time zone on ${tested.name}`, () => {
    it.each([
      ['in the middle of a month', '2026-03-10T12:00:00Z', '2026-03-31T13:00:00Z'],
      ['in the last hours of a month', '2026-03-31T13:00:00Z', '2026-03-31T23:30:00Z'],
    ])('S0.6 S3.8 gives no credits and no quota a second time, %s', async (_, start, end) => {
      let time = Date.parse(start)
      const now = () => time
      const store = await tested.open({ now })
      closing.push(() => store.close())
      const billing = createBilling({ catalog, store, environment: { now } })
      let changes = 0
      const change = (zone: string) => {
        changes += 1
        return billing.accounts.update({ accountId, zone, idempotencyKey: `z-${changes}` })
      }
      await billing.accounts.ensure({ accountId })
      await billing.recordUsage({ accountId, meter: 'calls', quantity: 30, idempotencyKey: 'u-1' })
      const zones = ['Etc/UTC', 'Africa/Abidjan', 'Asia/Tokyo', 'America/Los_Angeles', 'Pacific/Kiritimati', 'UTC']
      for (const zone of [...zones, ...zones]) await change(zone)
      time = Date.parse(end)
      for (const zone of zones) await change(zone)
      // One period may have begun early, where it had by the clocks of a zone: then the next one begins no earlier than a month later.
      time = Date.parse('2026-04-05T00:00:00Z')
      await billing.recordUsage({ accountId, meter: 'calls', quantity: 1, idempotencyKey: 'u-2' })
      const april = await store.ledger.entries(accountId, { limit: 100, operation: 'renew' })
      expect(april.filter(({ reason }) => reason.startsWith('credits'))).toHaveLength(2)
      expect((await billing.verifyLedger()).findings).toEqual([])
    })

    it('S0.6 leaves what was used of a quota used, and ends its period by the new clocks', async () => {
      const now = () => Date.parse('2026-03-10T12:00:00Z')
      const store = await tested.open({ now })
      closing.push(() => store.close())
      const billing = createBilling({ catalog, store, environment: { now } })
      await billing.accounts.ensure({ accountId })
      await billing.recordUsage({ accountId, meter: 'calls', quantity: 30, idempotencyKey: 'u-1' })
      await billing.accounts.update({ accountId, zone: 'Asia/Tokyo', idempotencyKey: 'z-1' })
      expect(await billing.getQuota({ accountId, meter: 'calls' })).toMatchObject({
        used: '30',
        resetsAt: new Date('2026-03-31T15:00:00Z'),
      })
    })
  })
}
