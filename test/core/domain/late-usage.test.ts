import { expect, it } from 'vitest'
import { changePlan, grant, million, usage } from '../../../src/testing/store-conformance/commands.js'
import { accountId, openWorld } from './world.js'

const day = (text: string) => Date.parse(`${text}T00:00:00Z`)

it('S0.6 late usage from before a change of rhythm opens a period that overlaps no other', async () => {
  const { one, at, store } = await openWorld('included', { at: '2026-02-10T00:00:00Z' })
  await one(grant(accountId, 'g', 100n * million))
  await one(usage(accountId, 'a', million))
  at('2026-02-20T00:00:00Z')
  await one(changePlan(accountId, 'p', 'included', day('2026-02-20')))
  const late = await one(usage(accountId, 'late', million, { occurredAt: day('2026-01-25') }))
  const counted = late.status === 'applied' && late.result.kind === 'usage' ? late.result.quota : undefined
  expect(counted).toMatchObject({ periodStartsAt: day('2026-01-20'), resetsAt: day('2026-02-01'), used: million })
  const again = await one(usage(accountId, 'again', million, { occurredAt: day('2026-02-19') }))
  expect(again).toMatchObject({ result: { quota: { periodStartsAt: day('2026-02-01'), used: 2n * million } } })
  await store.close()
})
