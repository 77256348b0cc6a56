import { createHash } from 'node:crypto'
import type {
  ChangePlanCommand,
  ExcessPolicy,
  Keyed,
  LedgerCommand,
  UsageCommand,
} from '../../src/core/domain/ledger/command.js'
import type { AccountTerms } from '../../src/core/domain/ledger/terms.js'
import { isPeriodRated } from '../../src/core/domain/rating/rate.js'
import { catalog, graduated, holdable, meterNames, million, perThree, planNames, volume } from './catalog.js'

/** One command of a sequence: which batch it belongs to, and when that is committed. */
export interface Step {
  readonly batch: number
  readonly at: number
  readonly command: LedgerCommand
}

export interface Sequence {
  readonly accountIds: readonly string[]
  readonly steps: readonly Step[]
}

/** Numbers from 0 to below, the same for the same seed (mulberry32). */
export type Random = (below: number) => number

export function createRandom(seed: number): Random {
  let state = Math.imul(seed, 0x9e3779b1)
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const minuteMs = 60_000
const dayMs = 86_400_000
const zones = ['UTC', 'Europe/Berlin', 'Asia/Tokyo', 'America/New_York']
/** The first moment of a sequence: some way into a month, so that usage may be late. */
const start = Date.UTC(2026, 0, 10, 7, 30)

/**
 * A sequence of `count` commands in batches of 1 to 8, with minutes to months between them, in which each command is delivered once to
 * five times and some keys come again with another body. The same seed gives the same sequence. `isSubscribed`: plans come with
 * subscriptions, too.
 */
export function createSequence(seed: number, count: number, prefix = '', isSubscribed = false): Sequence {
  const random = createRandom(seed)
  const accountIds = ['a', 'b'].map((name) => `${prefix}${name}`)
  const writer = createWriter(random, accountIds, isSubscribed)
  const steps: Step[] = []
  const repeats: { readonly command: LedgerCommand; readonly inBatch: number }[] = []
  let at = start + random(40) * dayMs
  let batch = 0
  for (let made = 0; made < count; ) {
    for (let size = 1 + random(8); size > 0 && made < count; size -= 1, made += 1) {
      const command = writer.next(at)
      steps.push({ batch, at, command })
      for (let again = random(4) ? 0 : 1 + random(4); again > 0; again -= 1) {
        // A call that is made again has an id of its own; only its key says that it is the same.
        const repeated = { ...command, id: `${command.id}.${again}` }
        const altered = random(6) === 0 ? changed(repeated) : repeated
        if (random(2)) steps.push({ batch, at, command: altered })
        else repeats.push({ command: altered, inBatch: batch + 1 + random(6) })
      }
    }
    for (const { command, inBatch } of repeats) if (inBatch === batch) steps.push({ batch, at, command })
    batch += 1
    at += pause(random)
  }
  for (const { command, inBatch } of repeats) if (inBatch >= batch) steps.push({ batch, at, command })
  return { accountIds, steps }
}

function pause(random: Random): number {
  const choice = random(20)
  if (choice < 8) return random(3) * random(minuteMs)
  if (choice < 13) return random(180) * minuteMs
  if (choice < 18) return random(6 * 24) * 3_600_000
  return choice === 18 ? random(40) * dayMs : random(100) * dayMs
}

/** The same key, as if it asked for something else. */
function changed(command: LedgerCommand): LedgerCommand {
  return 'fingerprint' in command ? { ...command, fingerprint: digest(`other ${command.fingerprint}`) } : command
}

interface Known {
  readonly holds: { readonly id: string; readonly meter: string | null; readonly budgets: readonly string[] }[]
  readonly usages: UsageCommand[]
  readonly rows: string[]
  readonly grants: string[]
  readonly payments: string[]
}

/** Writes commands that mostly make sense: what they name was asked for before, though it may have been refused or be over. */
function createWriter(random: Random, accountIds: readonly string[], isSubscribed: boolean) {
  const known = new Map<string, Known>(
    accountIds.map((id) => [id, { holds: [], usages: [], rows: [], grants: [], payments: [] }]),
  )
  let keys = 0
  const pick = <T>(list: readonly T[]): T | undefined => list[random(list.length)]
  const one = <T>(...list: readonly [T, ...T[]]): T => list[random(list.length)] ?? list[0]
  const recent = <T>(list: readonly T[]): T | undefined => pick(random(4) ? list.slice(-6) : list)
  const units = (most = 6) => BigInt(random(most)) * million + (random(3) ? 0n : BigInt(random(1_000_000)))
  const some = (most = 6) => units(most) || million
  const keyed = (kind: string, accountId: string): Keyed => {
    keys += 1
    const key = `${kind}_${keys}`
    const id = `${accountId}_${key}`
    // Equal for equal keys of two accounts, as a key that is taken as it is may be.
    return { accountId, id, key, dedupe: digest(`${accountIds[0]} ${key}`), fingerprint: digest(`body of ${id}`) }
  }
  const dimensions = () => ({
    ...(random(2) ? { api_key: one('k1', 'k2') } : {}),
    ...(random(3) ? { user: one('ada', 'bob', 'cy') } : {}),
    ...(random(4) ? {} : { feature: one('chat', 'search') }),
  })
  const scopes = (found: Readonly<Record<string, string>>) => [
    'account',
    ...['api_key', 'user'].flatMap((name) => (found[name] === undefined ? [] : [`${name}=${found[name]}`])),
  ]
  const measured = (meter: string) => {
    const quantity = meter === 'calls' || meter === 'people' ? million : random(12) ? some() : 0n
    const sparks = random(3) ? quantity : units()
    const costUsd = random(4) ? null : one('0.25', '0.0000000000001', '0.10')
    return { meter, quantity, sparks, costUsd }
  }
  const meterOf = () => (random(5) < 2 ? 'tokens' : (pick(meterNames) ?? 'tokens'))

  function next(at: number): LedgerCommand {
    const accountId = random(4) ? (accountIds[0] ?? '') : (pick(accountIds) ?? '')
    const named = random(40) ? accountId : (pick(accountIds) ?? accountId)
    const own = known.get(named) as Known
    const kept = known.get(accountId) as Known
    const choice = random(100)
    if (choice < 26) return usage(at, accountId, own, kept)
    if (choice < 38) {
      const meter = random(5) < 2 ? null : (pick(holdable) ?? null)
      const found = dimensions()
      const { quantity, sparks, costUsd } = measured(meter ?? 'tokens')
      const command = {
        kind: 'hold' as const,
        ...keyed('hold', accountId),
        usage: { meter, quantity: meter === null ? 0n : quantity, sparks, costUsd },
        ttlMs: one(minuteMs, 3_600_000, dayMs, 40 * dayMs) * (1 + random(3)),
        reason: 'work under way',
        dimensions: found,
        budgets: scopes(found),
      }
      kept.holds.push({ id: command.id, meter, budgets: command.budgets })
      return command
    }
    if (choice < 42) {
      const more = random(4) ? { quantity: some(), sparks: some(), costUsd: null } : null
      const ttlMs = one(minuteMs, dayMs, 30 * dayMs)
      const held = recent(own.holds)
      const sized = more && { ...more, quantity: held?.meter ? more.quantity : 0n }
      return { kind: 'extend', ...keyed('extend', accountId), holdId: held?.id ?? 'hold_none', ttlMs, more: sized }
    }
    if (choice < 47) {
      const amount = random(3) ? units() : null
      const held = recent(random(8) ? own.holds.filter(({ meter }) => meter === null) : own.holds)
      const row = keyed('capture', accountId)
      kept.rows.push(row.id)
      const budgets = held?.budgets ?? ['account']
      return { kind: 'capture', ...row, holdId: held?.id ?? 'hold_none', amount, onExcess: excess(), budgets }
    }
    if (choice < 50) {
      return { kind: 'release', ...keyed('release', accountId), holdId: recent(own.holds)?.id ?? 'hold_none' }
    }
    if (choice < 62) return grant(at, accountId, kept)
    if (choice < 66) return adjust(accountId, own, kept)
    if (choice < 68) {
      const grantId = recent(own.grants) ?? 'grant_none'
      return { kind: 'expire_grant', ...keyed('expire_grant', accountId), grantId, reason: 'ended' }
    }
    if (choice < 74) {
      const event = recent(own.usages)
      const to = random(3) ? measured(event?.usage.meter ?? 'tokens') : null
      const rated = to && { quantity: to.quantity, sparks: to.sparks, costUsd: to.costUsd, tokens: null }
      const usage = rated && { ...rated, priceVersion: 'v2' }
      const entryId = event?.id ?? 'usage_none'
      const budgets = event?.budgets ?? ['account']
      // What held for the event is what the meter costs, or now and then what was agreed on it.
      const found = catalog.meters.get(event?.usage.meter ?? '')?.rate ?? null
      const held = keys % 4 ? found : keys % 8 ? graduated : volume
      const rate = held !== null && isPeriodRated(held) ? held : null
      return { kind: 'amend', ...keyed('amend', accountId), entryId, usage, rate, budgets, reason: 'amended' }
    }
    if (choice < 79) {
      const paymentId = recent(own.payments) ?? `pay_${1 + random(60)}`
      const fact = { nanos: BigInt(random(13)) * 1_000n, rank: random(3) }
      const id = keyed('reverse', accountId).id
      return { kind: 'reverse_payment', accountId, id, paymentId, source: one('re_1', 're_2', 'dp_1'), fact }
    }
    if (choice < 81) return { kind: 'expire', accountId, id: keyed('expire', accountId).id }
    if (choice < 85) {
      const plan = random(20) ? (pick(planNames) ?? 'credits') : 'unknown'
      const anchor = one(undefined, undefined, null, at, at - random(60) * dayMs, Date.UTC(2025, 11, 31, 9))
      const change = {
        kind: 'change_plan',
        ...keyed('change_plan', accountId),
        plan,
        anchor,
        reason: 'changed',
      } as const
      if (!isSubscribed || random(3) === 0) return change
      return { ...change, plan: random(2) ? 'monthly' : plan, paid: paid(at) }
    }
    if (choice < 88) return changeTerms(accountId)
    if (choice < 92) {
      const limit = random(5) ? some(40) : null
      const interval = one('day' as const, 'week', 'month', 'year', 'never')
      const scope = one('account', 'api_key=k1', 'user=ada')
      // No choice of its own: what comes after it stays as it was before budgets could be raised.
      if (limit !== null && keys % 3 === 0)
        return { kind: 'raise_budget', ...keyed('raise_budget', accountId), scope, amount: limit }
      return { kind: 'set_budget', ...keyed('set_budget', accountId), scope, limit, interval }
    }
    if (choice < 95) {
      const kind = random(3) ? ('resume' as const) : ('suspend' as const)
      return { kind, ...keyed(kind, accountId), reason: 'looked into' }
    }
    const found = dimensions()
    const asked = { ...measured(meterOf()), dimensions: found }
    return { kind: 'authorize', accountId, id: keyed('authorize', accountId).id, usage: asked, budgets: scopes(found) }
  }

  /** Some subscription, the period of it that is paid for, or no subscription any longer. */
  function paid(at: number): NonNullable<ChangePlanCommand['paid']> | null {
    if (random(8) === 0) return null
    const source = one('sub_1', 'sub_1', 'sub_2', 'sub_3')
    const provider = source === 'sub_1' ? 'meters' : source === 'sub_2' ? 'others' : 'elsewhere'
    if (random(8) === 0) return { source, provider, period: null }
    const startsAt = start + Math.floor((at - start) / (30 * dayMs) - random(2)) * 30 * dayMs
    return { source, provider, period: { startsAt, endsAt: startsAt + 30 * dayMs } }
  }

  function usage(at: number, accountId: string, own: Known, kept: Known): LedgerCommand {
    const held = random(3) ? undefined : recent(own.holds.filter(({ meter }) => meter !== null || random(8) === 0))
    const meter = held?.meter && random(10) ? held.meter : meterOf()
    const found = dimensions()
    const late = random(4) ? null : at - random(70) * dayMs * random(2) - random(3) * 3_600_000 + random(minuteMs)
    const command: UsageCommand = {
      kind: 'usage',
      ...keyed('usage', accountId),
      usage: {
        ...measured(meter),
        model: random(3) ? null : 'm',
        provider: random(4) ? null : 'p',
        serviceTier: null,
        tokens: null,
        dimensions: found,
        priceVersion: 'v1',
      },
      occurredAt: late,
      onInsufficient: random(3) ? 'record' : 'refuse',
      holdId: held?.id ?? null,
      keepsHold: random(3) === 0,
      onExcess: excess(),
      budgets: [...new Set([...scopes(found), ...(held?.budgets ?? [])])],
    }
    kept.usages.push(command)
    kept.rows.push(command.id)
    return command
  }

  function grant(at: number, accountId: string, kept: Known): LedgerCommand {
    const row = keyed('grant', accountId)
    kept.rows.push(row.id)
    kept.grants.push(row.id)
    const paymentId = `pay_${1 + random(60)}`
    const isPaid = random(3) === 0 && !kept.payments.includes(paymentId)
    if (isPaid) kept.payments.push(paymentId)
    const currency = random(20) ? 'USD' : 'EUR'
    return {
      kind: 'grant',
      ...row,
      amount: some(25),
      grantKind: isPaid || random(2) ? 'paid' : 'promotional',
      priority: random(3) - 1,
      expiresAt: random(2) ? null : at + one(-1, minuteMs, dayMs, 10 * dayMs, 40 * dayMs) * (1 + random(2)),
      reason: 'given',
      payment: isPaid ? { id: paymentId, nanos: BigInt(1 + random(12)) * 1_000n, currency } : null,
    }
  }

  function adjust(accountId: string, own: Known, kept: Known): LedgerCommand {
    const row = keyed('adjust', accountId)
    kept.grants.push(`grt_${row.id}`)
    const reverses = random(2) ? (recent(own.rows) ?? 'row_none') : null
    kept.rows.push(row.id)
    const amount = random(2) ? some() : -some()
    return {
      kind: 'adjust',
      ...row,
      amount: reverses !== null && random(2) ? null : amount,
      reverses,
      reason: 'corrected',
    }
  }

  let changes = 0
  function changeTerms(accountId: string): LedgerCommand {
    changes += 1
    const agreed: AccountTerms = {
      entitlements: random(2)
        ? { tokens: { included: one<bigint | 'unlimited'>(0n, 5n * million, 30n * million, 'unlimited') } }
        : { tokens: { limit: one(null, 10n * million, 60n * million) }, disk: { included: 2n * million } },
      rates: random(2) ? {} : { tokens: one(perThree, graduated, volume), peak: perThree },
      features: {},
    }
    const topUp = { threshold: some(10), package: 'starter', maximumPerDay: 1 + random(3) }
    return {
      kind: 'change_terms',
      ...keyed('change_terms', accountId),
      zone: random(4) ? undefined : one('UTC', ...zones),
      terms: random(3) === 0 ? undefined : random(3) ? agreed : null,
      autoTopUp: random(3) ? undefined : random(4) ? topUp : null,
      ...(changes % 3 ? {} : { collector: changes % 2 ? 'meters' : 'others' }),
      reason: 'agreed',
    }
  }

  function excess(): ExcessPolicy {
    return one('debt', 'write_off', 'refuse')
  }

  return { next }
}

function digest(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
