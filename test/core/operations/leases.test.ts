import type { BillingError, LeaseToken } from 'billfold'
import { afterAll, describe, expect, it } from 'vitest'
import { open, type Setting } from './setting.js'
import { stores } from './stores.js'

describe.each(stores)('leases on $name', (tested) => {
  const closing: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const close of closing.reverse()) await close()
  })

  async function start(sparks: string): Promise<Setting & { readonly accountId: string }> {
    const setting = await open(tested, closing)
    const accountId = 'acct_lease'
    await setting.billing.accounts.ensure({ accountId })
    await setting.billing.credits.grant({ accountId, amount: sparks, reason: 'test', idempotencyKey: 'g' })
    return { ...setting, accountId } as never
  }

  it('S2.3 answers by itself, and settles its usage out of what it reserved', async () => {
    const { billing, accountId } = await start('1000')
    const lease = await billing.lease({ accountId, meter: 'ai_tokens', size: 1000 })
    const token = lease.tryAuthorize(400)
    expect(token).not.toBeNull()
    const usage = await billing.recordUsage({
      accountId,
      meter: 'ai_tokens',
      quantity: 300,
      idempotencyKey: 'u',
      leaseToken: token as never,
    })
    expect(usage.settledBy).toEqual({ credits: 30_000_000n })
    await lease.close()
    expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: 970_000_000n, held: 0n })
    expect(lease.tryAuthorize(1)).toBeNull()
  })

  it('S2.3 stands behind metered work, which is charged for what it reported and nothing else', async () => {
    const { billing, accountId } = await start('1000')
    const lease = await billing.lease({ accountId, meter: 'ai_tokens', size: 1000 })
    const work = async (idempotencyKey: string, used: number | null, error: Error | null = null, owner = accountId) =>
      billing.meter(
        {
          accountId: owner,
          meter: 'ai_tokens',
          estimate: { quantity: 400 },
          idempotencyKey,
          leaseToken: await lease.authorize(400),
        },
        async ({ report }) => {
          if (used !== null) report({ quantity: used })
          if (error) throw error
          return 'done'
        },
      )
    expect((await work('whole', 300)).usage).toMatchObject({ status: 'recorded', settledBy: { credits: 30_000_000n } })
    expect((await work('whole', 300)).usage).toMatchObject({ status: 'duplicate' })
    expect((await work('unsaid', null)).usage?.settledBy).toEqual({ credits: 40_000_000n })
    expect((await work('nothing', 0)).usage).toBeNull()
    const broken = new Error('The model failed.')
    await expect(work('failed', null, broken)).rejects.toBe(broken)
    await expect(work('failed_late', 100, broken)).rejects.toBe(broken)
    await expect(work('foreign', 100, null, 'acct_other')).rejects.toMatchObject({ code: 'invalid_request' })
    await lease.close()
    expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: 920_000_000n })
    expect((await billing.verifyLedger()).findings).toEqual([])
  })

  it('S2.3 two leases never give leave for more than there is', async () => {
    const { billing, accountId } = await start('100')
    const leases = await Promise.all([1, 2].map(() => billing.lease({ accountId, meter: 'ai_tokens', size: 100 })))
    let given = 0
    const refusals: BillingError[] = []
    await Promise.all(
      leases.map(async (lease, index) => {
        for (let count = 0; count < 30; count += 1) {
          try {
            const leaseToken = await lease.authorize(50)
            given += 50
            const idempotencyKey = `u_${index}_${count}`
            await billing.recordUsage({ accountId, meter: 'ai_tokens', quantity: 50, idempotencyKey, leaseToken })
          } catch (error) {
            refusals.push(error as BillingError)
            break
          }
        }
      }),
    )
    expect(given).toBeLessThanOrEqual(1000)
    expect(given).toBeGreaterThanOrEqual(900)
    expect(refusals.map(({ code }) => code)).toEqual(refusals.map(() => 'insufficient_credits'))
    for (const lease of leases) await lease.close()
    const { balance, held } = await billing.credits.balance({ accountId })
    expect([balance, held]).toEqual([100_000_000n - BigInt(given) * 100_000n, 0n])
  })

  it('S2.4 a suspension reaches a lease within a second', async () => {
    const { billing, accountId } = await start('1000')
    const lease = await billing.lease({ accountId, meter: 'ai_tokens', size: 1000 })
    expect(lease.tryAuthorize(1)).not.toBeNull()
    await billing.accounts.suspend({ accountId, reason: 'test', idempotencyKey: 's' })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(lease.tryAuthorize(1)).toBeNull()
    await expect(lease.authorize(1)).rejects.toMatchObject({ code: 'invalid_state' })
    await billing.accounts.resume({ accountId, reason: 'test', idempotencyKey: 'r' })
    await expect(lease.authorize(1)).resolves.toMatchObject({ amount: 1_000_000n })
    await lease.close()
  })

  describe('a lease that goes on into the next period', () => {
    const meter = 'compute_minutes'
    const nextMonth = Date.parse('2026-12-01T00:00:00Z')

    /** Ten seconds before the end of a month of at most 100 minutes, of which 40 are used. */
    async function startLate() {
      const setting = await start('100000')
      const { billing, accountId, advance, now } = setting
      advance(nextMonth - 10_000 - now())
      const lease = await billing.lease({ accountId, meter, size: 60 })
      let count = 0
      const use = (quantity: number, leaseToken: LeaseToken | null) => {
        count += 1
        const idempotencyKey = `u_${count}`
        return billing.recordUsage({ accountId, meter, quantity, idempotencyKey, leaseToken: leaseToken as LeaseToken })
      }
      await use(40, lease.tryAuthorize(40))
      const quota = async () => {
        const { counters } = (await setting.store.ledger.snapshot(accountId)) ?? {}
        const counter = counters?.find((each) => each.meter === meter)
        return counter && [counter.startsAt, counter.used / 1_000_000n, counter.held / 1_000_000n]
      }
      const expectSound = async () => {
        await lease.close()
        expect((await billing.verifyLedger({ accountId })).findings).toEqual([])
      }
      return { ...setting, lease, use, quota, expectSound }
    }

    it('S2.3 S2.6 gives leave out of what the new one has, and gives back once what is left', async () => {
      const { billing, accountId, lease, use, quota, advance, expectSound } = await startLate()
      advance(20_000)
      expect(lease.tryAuthorize(1)).toBeNull()
      const token = await lease.authorize(30)
      const reserved = await quota()
      expect(reserved?.slice(0, 2)).toEqual([nextMonth, 0n])
      expect(Number(reserved?.[2])).toBeGreaterThanOrEqual(30)
      expect((await use(30, token)).quota).toMatchObject({ used: '30' })
      await expect(lease.authorize(80)).rejects.toMatchObject({ code: 'quota_exceeded' })
      await expectSound()
      expect(await quota()).toEqual([nextMonth, 30n, 0n])
      expect(await billing.credits.balance({ accountId })).toMatchObject({
        balance: (100_000n - 70n * 50n) * 1_000_000n,
        held: 0n,
      })
    })

    it('S2.3 S2.6 gives no leave where others have reserved all of the new one', async () => {
      const { billing, accountId, lease, quota, advance, expectSound } = await startLate()
      advance(20_000)
      const hold = await billing.hold({ accountId, meter, quantity: 100, idempotencyKey: 'h' })
      expect(lease.tryAuthorize(1)).toBeNull()
      await expect(lease.authorize(1)).rejects.toMatchObject({ code: 'quota_exceeded' })
      expect(await quota()).toEqual([nextMonth, 0n, 100n])
      await billing.release({ accountId, holdId: hold.id, idempotencyKey: 'r' })
      await expect(lease.authorize(1)).resolves.toMatchObject({ amount: 1_000_000n })
      await expectSound()
      expect(await quota()).toEqual([nextMonth, 0n, 0n])
    })

    it('S2.3 S2.6 takes along what it gave out: its usage counts when it happens, within what is reserved there', async () => {
      const { billing, accountId, lease, use, quota, advance, expectSound } = await startLate()
      const [kept, cancelled] = [await lease.authorize(20), await lease.authorize(20)]
      advance(20_000)
      await expect.poll(async () => (await quota())?.[0], { timeout: 5_000 }).toBe(nextMonth)
      const others = billing.authorize({ accountId, meter, quantity: 61 })
      await expect(others).resolves.toMatchObject({ allowed: false })
      expect((await use(15, kept)).quota).toMatchObject({ used: '15' })
      cancelled.cancel()
      const [, used, held] = (await quota()) ?? []
      expect(used).toBe(15n)
      expect(Number(held)).toBeLessThanOrEqual(85)
      await expectSound()
      expect(await quota()).toEqual([nextMonth, 15n, 0n])
      expect(await billing.credits.balance({ accountId })).toMatchObject({
        balance: (100_000n - 55n * 50n) * 1_000_000n,
        held: 0n,
      })
    })

    it('S2.3 usage that was given leave before it is recorded also where the new period is full', async () => {
      const { billing, accountId, lease, use, quota, advance, expectSound } = await startLate()
      const token = await lease.authorize(20)
      advance(20_000)
      await billing.recordUsage({ accountId, meter, quantity: 100, idempotencyKey: 'all' })
      await expect(lease.authorize(1)).rejects.toMatchObject({ code: 'quota_exceeded' })
      expect((await use(20, token)).quota).toMatchObject({ used: '120' })
      await expectSound()
      expect(await quota()).toEqual([nextMonth, 120n, 0n])
    })
  })

  it('S2.3 usage of a lease that is over is recorded all the same', async () => {
    const { billing, accountId, advance } = await start('1000')
    const lease = await billing.lease({ accountId, meter: 'ai_tokens', size: 1000, ttlMs: 5_000 })
    const leaseToken = await lease.authorize(100)
    advance(6_000)
    await billing.sync.flush()
    const usage = await billing.recordUsage({
      accountId,
      meter: 'ai_tokens',
      quantity: 100,
      idempotencyKey: 'u',
      leaseToken,
    })
    expect(usage.balance).toMatchObject({ balance: 990_000_000n })
    await lease.close()
  })

  it('S2.3 metered work is charged what it used, what it reported when it fails, and nothing when it did nothing', async () => {
    const { billing, accountId } = await start('1000')
    const work = { accountId, meter: 'ai_tokens', estimate: { quantity: 4000 } } as const
    const done = await billing.meter({ ...work, idempotencyKey: 'a' }, async ({ report }) => {
      report({ quantity: 1000 })
      return 'answer'
    })
    expect(done).toMatchObject({ result: 'answer', usage: { sparks: 100_000_000n } })
    const aborted = billing.meter({ ...work, idempotencyKey: 'b' }, async ({ report }) => {
      report({ quantity: 500 })
      throw new Error('aborted')
    })
    await expect(aborted).rejects.toThrow('aborted')
    const failed = billing.meter({ ...work, idempotencyKey: 'c' }, async () => {
      throw new Error('failed')
    })
    await expect(failed).rejects.toThrow('failed')
    expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: 850_000_000n, held: 0n })
    await expect(
      billing.meter({ ...work, estimate: { quantity: 10_000_000 }, idempotencyKey: 'd' }, async () => 1),
    ).rejects.toMatchObject({ code: 'insufficient_credits' })
  })

  it('S2.3 metered work runs behind a hold of its own, and never on a repeated key that was charged', async () => {
    const { billing, accountId } = await start('1000')
    let runs = 0
    const work = (idempotencyKey: string, quantity: number, end: () => void = () => {}) =>
      billing.meter(
        { accountId, meter: 'ai_tokens', estimate: { quantity: 4000 }, idempotencyKey },
        async ({ report }) => {
          runs += 1
          report({ quantity })
          end()
        },
      )
    await work('a', 1000)
    for (const quantity of [1000, 2000])
      await expect(work('a', quantity)).rejects.toMatchObject({ code: 'invalid_state' })
    expect(runs).toBe(1)
    const both = await Promise.allSettled([work('b', 1000), work('b', 1000)])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(both.flatMap((each) => (each.status === 'rejected' ? each.reason.code : []))).toEqual([
      'idempotency_in_progress',
    ])
    expect(runs).toBe(2)
    expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: 800_000_000n, held: 0n })
  })

  it('S2.3 metered work that failed for nothing may be tried again under its key, behind another hold', async () => {
    const { billing, accountId } = await start('400')
    const metered = { accountId, meter: 'ai_tokens', estimate: { quantity: 4000 }, idempotencyKey: 'a' } as const
    const fails = () =>
      billing.meter(metered, async () => {
        throw new Error('failed')
      })
    await expect(fails()).rejects.toThrow('failed')
    await expect(fails()).rejects.toThrow('failed')
    const strict = { accountId, meter: 'ai_tokens', quantity: 4000, onInsufficient: 'refuse' } as const
    const { id } = await billing.recordUsage({ ...strict, idempotencyKey: 'u' })
    await expect(fails()).rejects.toMatchObject({ code: 'insufficient_credits' })
    await billing.usage.void({ accountId, id, reason: 'test', idempotencyKey: 'v' })
    expect(await billing.meter(metered, async () => 7)).toMatchObject({ result: 7, usage: { sparks: 400_000_000n } })
    expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: 0n, held: 0n })
  })

  it('S3.11 what metered work reports, and its estimate, is read and checked before it counts', async () => {
    const { billing, accountId } = await start('1000')
    const metered = { accountId, meter: 'ai_tokens', estimate: { quantity: 4000 } } as const
    const thrown: unknown[] = []
    const { result } = await billing.meter({ ...metered, idempotencyKey: 'a' }, async ({ report }) => {
      report({ quantity: 1000 })
      try {
        report({ quantity: Number.NaN })
      } catch (error) {
        thrown.push(error)
      }
      return 'answer'
    })
    expect(result).toBe('answer')
    expect(thrown).toMatchObject([{ code: 'invalid_quantity' }])
    expect(await billing.credits.balance({ accountId })).toMatchObject({ balance: 900_000_000n, held: 0n })
    const estimate = {
      get quantity(): number {
        throw new Error('a getter')
      },
    }
    await expect(billing.meter({ ...metered, estimate, idempotencyKey: 'b' }, async () => 1)).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  it('S3.10 leave of one account is not taken for usage of another', async () => {
    const { billing, accountId } = await start('1000')
    await billing.accounts.ensure({ accountId: 'other' })
    const lease = await billing.lease({ accountId, meter: 'ai_tokens', size: 1000 })
    const leaseToken = await lease.authorize(100)
    const usage = { meter: 'ai_tokens', quantity: 100, idempotencyKey: 'u', leaseToken } as const
    await expect(billing.recordUsage({ ...usage, accountId: 'other' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    expect(await billing.recordUsage({ ...usage, accountId })).toMatchObject({ sparks: 10_000_000n })
    await lease.close()
  })
})
