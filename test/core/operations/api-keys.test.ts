import { inspect } from 'node:util'
import { createBilling, parseSparks, type VerifiedApiKey } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { afterEach, describe, expect, it } from 'vitest'
import { type BadInput, badAccounts, badIds, badPages, badTimes, badWrites } from './bad-values.js'
import { openSandboxed, pay } from './sandboxed.js'
import { accountId, catalog, expectAllRefused, expectRefused, open, otherAccountId } from './setting.js'
import { stores } from './stores.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const day = 86_400_000
const good = { accountId, name: 'CI of “größer” 🙂', idempotencyKey: 'k-1' } as const
const shape = /^sk-[0-9a-f]{32}-[0-9A-Za-z]{43}[0-9a-f]{6}$/
const invalid: VerifiedApiKey = { valid: false }

/** The secret, which must be there. */
function secretOf({ secret }: { readonly secret: string | null }): string {
  if (secret === null) throw new Error('there is no secret')
  return secret
}

const badKeys: readonly BadInput[] = [
  ...badWrites,
  ...[undefined, '', '  ', 'x'.repeat(201), 'a\0', 5].map((name): BadInput => ['name', { name }, 'invalid_request']),
  ...['billing:read', ['A'], [''], ['x'.repeat(65)], [5], Array.from({ length: 51 }, (_, i) => `s${i}`)].map(
    (scopes): BadInput => ['scopes', { scopes }, 'invalid_request'],
  ),
  // The readers of times and amounts are tried where they are used first.
  ...badTimes.slice(0, 4).map(([what, expiresAt, code]): BadInput => [`expiresAt: ${what}`, { expiresAt }, code]),
  ['expiresAt: now', { expiresAt: new Date('2026-11-21T12:00:00Z') }, 'timestamp_out_of_range'],
  ['budget: no limit', { budget: {} }, 'invalid_request'],
  ['budget: an unknown field', { budget: { limit: 1, scope: 'x' } }, 'unknown_field'],
  ['budget: an unknown interval', { budget: { limit: 1, interval: 'hour' } }, 'invalid_request'],
  ...['-1', null, 'x', 0.5].map((limit): BadInput => ['budget: limit', { budget: { limit } }, 'invalid_amount']),
]

describe.each(stores)('API keys on $name', (tested) => {
  it('S2.1 are shown once, and kept as a digest; a repeat says that it cannot show them again', async () => {
    const { billing, store } = await open(tested, closing)
    const issued = await billing.apiKeys.issue({ ...good, scopes: ['usage:write', 'billing:read', 'usage:write'] })
    const secret = secretOf(issued)
    expect(secret).toMatch(shape)
    expect(issued).toMatchObject({
      result: 'issued',
      accountId,
      name: good.name,
      scopes: ['billing:read', 'usage:write'],
      status: 'active',
      hint: `sk-…${secret.slice(-4)}`,
      openSecrets: 1,
      budget: null,
      createdAt: new Date('2026-11-21T12:00:00Z'),
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
    })
    expect(secret).toContain(issued.id.slice('key_'.length))
    const again = await billing.apiKeys.issue({ ...good, scopes: ['usage:write', 'billing:read', 'usage:write'] })
    expect(again).toMatchObject({ result: 'duplicate', id: issued.id, secret: null })
    await expect(billing.apiKeys.issue(good)).rejects.toMatchObject({ code: 'idempotency_conflict' })
    const kept = JSON.stringify(await store.directory.apiKey(issued.id))
    expect(kept).not.toContain(secret.slice(36, 79))
    expect((await billing.apiKeys.list({ accountId })).items).toHaveLength(1)
  })

  it('S2.1 G18 are in nothing that is printed, thrown or told', async () => {
    const { billing } = await open(tested, closing)
    const issued = await billing.apiKeys.issue(good)
    const secret = secretOf(issued)
    const unfinished = secret.slice(0, -1)
    const errors = [
      await billing.apiKeys.verify({ key: [secret] as never }).catch((error: unknown) => error),
      await billing.apiKeys.verify({ [secret]: 1, key: secret } as never).catch((error: unknown) => error),
      await billing.apiKeys.get({ accountId, keyId: secret }).catch((error: unknown) => error),
      await billing.apiKeys.revoke({ accountId: otherAccountId, keyId: issued.id }).catch((error: unknown) => error),
      await billing.explain({ accountId, id: secret }).catch((error: unknown) => error),
    ]
    const printed = [
      inspect(issued, { depth: null }),
      JSON.stringify({ ...issued, budget: null }),
      inspect(await billing.apiKeys.verify({ key: secret }), { depth: null }),
      inspect((await billing.apiKeys.list({ accountId })).items, { depth: null }),
      inspect([errors[0], errors[3]], { depth: null }),
    ].join('\n')
    expect(printed).not.toContain(unfinished)
    expect(errors.map((error) => (error as { code: string }).code)).toEqual([
      'invalid_request',
      'unknown_field',
      'not_found',
      'not_found',
      'not_found',
    ])
  })

  it('S2.1 say whose they are, and nothing of why they are none', async () => {
    const { billing, advance } = await open(tested, closing)
    const expiresAt = new Date('2026-11-22T12:00:00Z')
    const issued = await billing.apiKeys.issue({ ...good, scopes: ['usage:write'], expiresAt })
    const secret = secretOf(issued)
    const whose = { valid: true, accountId, keyId: issued.id, name: good.name, accountStatus: 'active', expiresAt }
    expect(await billing.apiKeys.verify({ key: secret })).toEqual({ ...whose, scopes: ['usage:write'] })
    // A prefix may change after keys were handed out.
    expect(await billing.apiKeys.verify({ key: `acme_live_${secret.slice(3)}` })).toMatchObject(whose)
    const other = secretOf(await billing.apiKeys.issue({ ...good, idempotencyKey: 'k-2' }))
    const flipped = secret.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    const strangers = [
      '',
      'sk-',
      'Bearer x',
      ` ${secret}`,
      `${secret}\n`,
      secret.toUpperCase(),
      secret.slice(3),
      secret.slice(0, -1),
      flipped,
      'x'.repeat(100_000),
      // Another key's random part under this one's id.
      secret.slice(0, 36) + other.slice(36),
    ]
    for (const key of strangers) expect(await billing.apiKeys.verify({ key }), key.slice(0, 100)).toEqual(invalid)
    for (const key of [undefined, null, 5, [secret]])
      await expect(billing.apiKeys.verify({ key } as never)).rejects.toMatchObject({ code: 'invalid_request' })
    advance(day)
    expect(await billing.apiKeys.verify({ key: secret })).toEqual(invalid)
    expect(await billing.apiKeys.get({ accountId, keyId: issued.id })).toMatchObject({ status: 'expired' })
  })

  it('S2.4 of a suspended account are known, and say that it is suspended', async () => {
    const { billing } = await open(tested, closing)
    const key = secretOf(await billing.apiKeys.issue(good))
    await billing.accounts.suspend({ accountId, reason: 'unpaid', idempotencyKey: 's' })
    expect(await billing.apiKeys.verify({ key })).toMatchObject({ valid: true, accountStatus: 'suspended' })
    await billing.accounts.resume({ accountId, reason: 'paid', idempotencyKey: 'r' })
    expect(await billing.apiKeys.verify({ key })).toMatchObject({ valid: true, accountStatus: 'active' })
  })

  it('S2.1 S3.10 open nothing from the moment they are revoked, by their own account alone', async () => {
    const { billing } = await open(tested, closing)
    const issued = await billing.apiKeys.issue(good)
    const key = secretOf(issued)
    const foreign = { accountId: otherAccountId, keyId: issued.id }
    for (const call of [
      () => billing.apiKeys.revoke(foreign),
      () => billing.apiKeys.get(foreign),
      () => billing.apiKeys.rotate({ ...foreign, idempotencyKey: 'r' }),
      () => billing.apiKeys.setBudget({ ...foreign, limit: 1, idempotencyKey: 'b' }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'not_found' })
    expect(await billing.apiKeys.list({ accountId: otherAccountId })).toEqual({ items: [], nextCursor: null })
    expect(await billing.apiKeys.verify({ key })).toMatchObject({ valid: true })

    const ended = await billing.apiKeys.revoke({ accountId, keyId: issued.id })
    expect(ended).toMatchObject({ status: 'revoked', openSecrets: 0, revokedAt: new Date('2026-11-21T12:00:00Z') })
    expect(await billing.apiKeys.verify({ key })).toEqual(invalid)
    expect(await billing.apiKeys.revoke({ accountId, keyId: issued.id })).toEqual(ended)
    const own = { accountId, keyId: issued.id }
    await expect(billing.apiKeys.rotate({ ...own, idempotencyKey: 'r' })).rejects.toMatchObject({
      code: 'invalid_state',
    })
    await expect(billing.apiKeys.setBudget({ ...own, limit: 1, idempotencyKey: 'b' })).rejects.toMatchObject({
      code: 'invalid_state',
    })
    expect(await billing.budgets.get({ accountId, scope: { apiKeyId: issued.id } })).toBeNull()
    expect(await billing.apiKeys.issue(good)).toMatchObject({ result: 'duplicate', status: 'revoked' })
  })

  it('S2.1 have another secret while the one before goes on for a while, under the same id', async () => {
    const { billing, advance } = await open(tested, closing)
    const issued = await billing.apiKeys.issue(good)
    const own = { accountId, keyId: issued.id }
    const first = secretOf(issued)
    const rotated = await billing.apiKeys.rotate({ ...own, overlapMs: day, idempotencyKey: 'r-1' })
    const second = secretOf(rotated)
    expect(rotated).toMatchObject({ result: 'issued', id: issued.id, openSecrets: 2, hint: `sk-…${second.slice(-4)}` })
    const repeat = await billing.apiKeys.rotate({ ...own, overlapMs: day, idempotencyKey: 'r-1' })
    expect(repeat).toMatchObject({ result: 'duplicate', secret: null, openSecrets: 2 })
    const opens = async () =>
      Promise.all([first, second].map(async (key) => (await billing.apiKeys.verify({ key })).valid))
    expect(await opens()).toEqual([true, true])
    advance(day - 1)
    expect(await opens()).toEqual([true, true])
    advance(1)
    expect(await opens()).toEqual([false, true])

    const third = secretOf(await billing.apiKeys.rotate({ ...own, overlapMs: 0, idempotencyKey: 'r-2' }))
    expect(await opens()).toEqual([false, false])
    expect(await billing.apiKeys.verify({ key: third })).toMatchObject({ valid: true, keyId: issued.id })
    await billing.apiKeys.revoke(own)
    expect(await billing.apiKeys.verify({ key: third })).toEqual(invalid)
  })

  it('S2.1 are never cut off by exchanges whose answers were lost', async () => {
    const { billing } = await open(tested, closing)
    const issued = await billing.apiKeys.issue(good)
    const own = { accountId, keyId: issued.id }
    const asked = Array.from({ length: 6 }, (_, index) =>
      billing.apiKeys.rotate({ ...own, idempotencyKey: `r-${index}` }),
    )
    const ended = await Promise.allSettled(asked)
    const codes = ended.map((end) => (end.status === 'fulfilled' ? end.value.result : end.reason.code))
    expect(codes.toSorted()).toEqual(['invalid_state', 'invalid_state', 'issued', 'issued', 'issued', 'issued'])
    expect(await billing.apiKeys.verify({ key: secretOf(issued) })).toMatchObject({ valid: true })
  })

  it('S2.1 have their last use noted, coarsely: most requests write nothing', async () => {
    const { billing, store, advance, now } = await open(tested, closing)
    const issued = await billing.apiKeys.issue(good)
    const key = secretOf(issued)
    const lastUsed = async () => (await store.directory.apiKey(issued.id))?.lastUsedAt
    await Promise.all(Array.from({ length: 20 }, () => billing.apiKeys.verify({ key })))
    const first = now()
    expect(await lastUsed()).toBe(first)
    advance(599_000)
    await billing.apiKeys.verify({ key })
    expect(await lastUsed()).toBe(first)
    advance(2_000)
    await billing.apiKeys.verify({ key: key.slice(0, -1) })
    expect(await lastUsed()).toBe(first)
    await billing.apiKeys.verify({ key })
    expect(await lastUsed()).toBe(now())
  })

  it('S2.1 are listed newest first, a page at a time, those that ended too', async () => {
    const { billing } = await open(tested, closing)
    const ids: string[] = []
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      ids.unshift((await billing.apiKeys.issue({ accountId, name, idempotencyKey: name })).id)
    await billing.apiKeys.revoke({ accountId, keyId: ids[2] ?? '' })
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page = await billing.apiKeys.list({ accountId, limit: 2, ...(cursor === null ? {} : { cursor }) })
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
      if (cursor !== null)
        await expect(billing.apiKeys.list({ accountId: otherAccountId, cursor })).rejects.toMatchObject({
          code: 'invalid_cursor',
        })
    } while (cursor !== null)
    expect(seen).toEqual(ids)
  })

  it('S2.1 G19 refuse what is wrong, and make nothing', async () => {
    const setting = await open(tested, closing)
    const { billing } = setting
    await expectAllRefused(setting, billing.apiKeys.issue, good, badKeys)
    await expectRefused(setting, 'not_found', () => billing.apiKeys.issue({ ...good, accountId: 'acct_missing' }))
    await expectAllRefused(setting, billing.apiKeys.list, { accountId }, [...badAccounts, ...badPages])
    const badIdsOfKeys = badIds
      .slice(0, 8)
      .map(([what, keyId]): BadInput => [`keyId: ${what}`, { keyId }, 'invalid_id'])
    const which = { accountId, keyId: 'key_1' }
    for (const call of [billing.apiKeys.get, billing.apiKeys.revoke])
      await expectAllRefused(setting, call, which, [...badIdsOfKeys, ['nobody’s', {}, 'not_found']])
    const badOverlaps = [-1, 0.5, '1', 31 * day, null, Number.NaN].map(
      (overlapMs): BadInput => ['overlapMs', { overlapMs }, 'invalid_request'],
    )
    const rotation = { ...which, idempotencyKey: 'r' }
    await expectAllRefused(setting, billing.apiKeys.rotate, rotation, [
      ...badIdsOfKeys,
      ...badOverlaps,
      ['nobody’s', {}, 'not_found'],
    ])
  })

  it('S2.6 have a budget from the first moment, which ends neither by a repeat nor by another secret', async () => {
    const setting = await open(tested, closing)
    const { billing } = setting
    await billing.credits.grant({ accountId, amount: 1_000, reason: 'gift', idempotencyKey: 'g' })
    const asked = { ...good, budget: { limit: '10' } } as const
    const issued = await billing.apiKeys.issue(asked)
    const use = (quantity: number, idempotencyKey: string) =>
      billing.recordUsage({
        ...{ accountId, meter: 'ai_tokens', quantity, idempotencyKey },
        ...{ apiKeyId: issued.id, onInsufficient: 'refuse' },
      } as never)
    expect(issued.budget).toMatchObject({ limit: parseSparks('10'), interval: 'never', used: 0n })
    await use(60, 'u-1')
    await expect(use(60, 'u-2')).rejects.toMatchObject({ code: 'quota_exceeded' })
    await billing.apiKeys.rotate({ accountId, keyId: issued.id, idempotencyKey: 'r' })
    expect((await billing.apiKeys.issue(asked)).budget).toMatchObject({ used: parseSparks('6') })
    const set = { accountId, keyId: issued.id, limit: '12', idempotencyKey: 'b' } as const
    expect((await billing.apiKeys.setBudget(set)).budget).toMatchObject({ remaining: parseSparks('6') })
    await use(60, 'u-2')
    await expect(use(1, 'u-3')).rejects.toMatchObject({ code: 'quota_exceeded' })
    const none = await billing.apiKeys.setBudget({ ...set, limit: null, idempotencyKey: 'b-2' })
    expect(none.budget).toBeNull()
    await use(60, 'u-4')
    await expectRefused(setting, 'idempotency_conflict', () =>
      billing.apiKeys.issue({ ...asked, budget: { limit: '11' } }),
    )
  })

  it('S2.5 have their budget raised once by what the account buys, if they follow it', async () => {
    const sandboxed = await openSandboxed(tested, closing)
    const { billing } = sandboxed
    const key = async (name: string, topUpsRaiseBudget: boolean) =>
      billing.apiKeys.issue({ accountId, name, budget: { limit: 5, topUpsRaiseBudget }, idempotencyKey: name })
    const [following, fixed] = [await key('following', true), await key('fixed', false)]
    const revoked = await key('revoked', true)
    await billing.apiKeys.revoke({ accountId, keyId: revoked.id })
    const use = { accountId, meter: 'ai_tokens', quantity: 100, apiKeyId: following.id } as const
    expect(await billing.authorize(use)).toMatchObject({ allowed: false })

    const checkout = await billing.createCheckout({
      ...{ accountId, kind: 'package', package: 'starter' },
      ...{ successUrl: 'https://app.example.com/ok', cancelUrl: 'https://app.example.com/no' },
    } as const)
    await pay(sandboxed, checkout.url)
    await sandboxed.deliver('checkout.session.completed', 3)
    await billing.verifyCheckout({ accountId, checkoutId: checkout.id })
    expect(await billing.authorize(use)).toMatchObject({ allowed: true })
    const limits = (await billing.apiKeys.list({ accountId })).items.map(({ name, budget }) => [name, budget?.limit])
    expect(Object.fromEntries(limits)).toEqual({
      following: parseSparks('500005'),
      fixed: parseSparks('5'),
      revoked: parseSparks('5'),
    })
    expect(fixed.topUpsRaiseBudget).toBe(false)
  })

  it('S2.1 G15 that are revoked end the leases taken for them within a second, and nobody else’s', async () => {
    const { billing, accountId: own } = { ...(await open(tested, closing)), accountId }
    await billing.credits.grant({ accountId: own, amount: 1_000, reason: 'gift', idempotencyKey: 'g' })
    const issued = await billing.apiKeys.issue(good)
    const leaseOf = (apiKeyId: string) => billing.lease({ accountId: own, meter: 'ai_tokens', size: 100, apiKeyId })
    const lease = await leaseOf(issued.id)
    const appsOwn = await leaseOf('key_of_the_app')
    expect(lease.tryAuthorize(1)).not.toBeNull()
    await billing.apiKeys.revoke({ accountId: own, keyId: issued.id })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(lease.tryAuthorize(1)).toBeNull()
    await expect(lease.authorize(1)).rejects.toMatchObject({ code: 'invalid_state' })
    await expect(leaseOf(issued.id)).rejects.toMatchObject({ code: 'invalid_state' })
    await expect(appsOwn.authorize(1)).resolves.toMatchObject({ amount: 1_000_000n })
    await appsOwn.close()
    expect((await billing.credits.balance({ accountId: own })).held).toBe(0n)
  })
})

describe('the prefix of API keys', () => {
  it('S2.1 is the app’s choice, though none of Stripe’s', async () => {
    const issue = async (prefix: string) => {
      const billing = createBilling({ catalog, store: memoryStore(), apiKeys: { prefix } })
      closing.push(() => billing.close())
      await billing.accounts.ensure({ accountId })
      const { secret } = await billing.apiKeys.issue(good)
      expect(await billing.apiKeys.verify({ key: secret ?? '' })).toMatchObject({ valid: true })
      return secret
    }
    expect(await issue('acme_live_')).toMatch(/^acme_live_[0-9a-f]{32}-/)
    for (const prefix of ['', 'sk', 'sk_live_', 'pk_', 'whsec_', 'Sk-', '-', 'a b-', `${'a'.repeat(40)}-`, 5])
      await expect(issue(prefix as string)).rejects.toMatchObject({ code: 'config_invalid' })
  })
})
