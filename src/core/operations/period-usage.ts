import * as z from 'zod'
import type { Able } from '../config.js'
import type { BillingContext } from '../context.js'
import { collectorAt } from '../domain/ledger/collector.js'
import { formatMoney } from '../domain/money.js'
import type { MicroSparks } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import type { UsageReportsCapability } from '../ports/capabilities/usage-reports.js'
import { accountId, parse, text } from './fields.js'
import { requireSnapshot } from './steps.js'

/** Whose usage, and of which billing periods. */
export interface PeriodUsageInput {
  readonly accountId: string
  /** Default `current`, the one that is under way; `projected` is that one as it will end if it goes on so. */
  readonly which?: 'current' | 'projected' | 'past'
  /** One of `metering`; default who collects for the account, else the first that can say. */
  readonly provider?: string
}

/** Usage of one meter in a period, as the provider charges for it. */
export interface MeterPeriodUsage {
  readonly meter: string
  readonly sparks: MicroSparks
  /** Decimal text. */
  readonly amount: string
}

/** What a provider charges for usage in a billing period of its own. */
export interface PeriodUsageView {
  readonly provider: string
  readonly startsAt: Date
  readonly endsAt: Date
  readonly currency: string
  /** Decimal text, without tax. */
  readonly amount: string
  readonly meters: readonly MeterPeriodUsage[]
}

const inputSchema = z.strictObject({
  accountId,
  which: z.enum(['current', 'projected', 'past']).default('current'),
  provider: text(60).optional(),
})

/**
 * What a metering provider charges an account for usage, by the provider's own billing periods, newest first. What it was told in the last
 * minutes may not be in it yet.
 *
 * @throws BillingError `not_found` (the account), `invalid_request` (no provider of `metering`), `capability_missing`, and the provider's
 */
export async function periodUsage(ctx: BillingContext, input: PeriodUsageInput): Promise<readonly PeriodUsageView[]> {
  const request = parse(inputSchema, input)
  const { account, now } = await requireSnapshot(ctx, request.accountId)
  const provider = sayerOf(ctx, request.provider, collectorAt(ctx.rules, account, now))
  const customerId = await ctx.store.accounts.externalId(request.accountId, provider.id)
  if (customerId === null) return []
  const query = { customerId, which: request.which, meters: [...ctx.catalog.meters.keys()] }
  const periods = await provider.periods(query, { signal: ctx.lifetime.aborting })
  return periods.map(({ startsAt, endsAt, amount, meters }) => ({
    provider: provider.id,
    startsAt: new Date(startsAt),
    endsAt: new Date(endsAt),
    currency: amount.currency,
    amount: formatMoney(amount),
    meters: meters.map((each) => ({ ...each, amount: formatMoney(each.amount) })),
  }))
}

interface Sayer {
  readonly id: string
  readonly periods: NonNullable<UsageReportsCapability['periods']>
}

function sayerOf({ roles }: BillingContext, named: string | undefined, collecting: string | null): Sayer {
  const told = roles.metering
  if (named !== undefined && !told.some(({ id }) => id === named))
    throw new BillingError('invalid_request', `${named} is not told of usage: name one of providers.metering.`)
  const isAsked = ({ id }: Able<'metering'>) => named === undefined || id === named
  const sayers = told.filter(isAsked).flatMap((provider): Sayer[] => {
    const reports = (provider as Partial<Able<'usage-reports'>>)['usage-reports']
    return reports?.periods ? [{ id: provider.id, periods: reports.periods.bind(reports) }] : []
  })
  const sayer = sayers.find(({ id }) => id === collecting) ?? sayers[0]
  if (sayer) return sayer
  throw new BillingError('capability_missing', 'No provider here says what it charges for usage by period.')
}
