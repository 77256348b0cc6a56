import type { BillingContext } from '../context.js'
import { addDecimal, decimal, divide, formatDecimal } from '../domain/decimal.js'
import { totalsOf } from '../domain/ledger/amendments.js'
import type { HoldStatus, SettledBy } from '../domain/ledger/outcome.js'
import type { CounterAccount, EntryOperation, EntryUsage, LedgerEntry } from '../domain/ledger/state.js'
import type { CatalogCard } from '../domain/price-card.js'
import { type CostLine, costLines } from '../domain/rating/model-cost.js'
import type { ServiceTier } from '../domain/rating/price-book.js'
import { amendedPrice, priceOfTotal, type RatedUnits } from '../domain/rating/price-of-total.js'
import { isPeriodRated, type PeriodRate } from '../domain/rating/rate.js'
import { formatQuantity, formatSparks, least, type MicroSparks, type MicroUnits } from '../domain/sparks.js'
import { BillingError } from '../errors.js'
import {
  type ExplainedBalance,
  type ExplainedBurn,
  type ExplainedDelivery,
  explainBalance,
  explainBurns,
  explainDeliveries,
  moment,
  sparksByName,
} from './explained-parts.js'
import {
  type ExplainedPool,
  type ExplainedRating,
  explainEvent,
  explainPool,
  explainTotal,
  type PeriodTotal,
  type Rated,
} from './explained-rating.js'
import { agreedRate, type KeptPrices, keptPrices } from './kept-prices.js'

/** What was reported. */
export interface ExplainedReport {
  readonly quantity: string
  readonly tokens: Readonly<Record<string, number>> | null
  readonly model: string | null
  readonly provider: string | null
  readonly serviceTier: ServiceTier | null
  readonly dimensions: Readonly<Record<string, string>>
}

/** Which prices were used, and where they are from. */
export interface ExplainedPrices {
  /** As the row keeps it. */
  readonly version: string
  /** Where the cost is from: the catalog's `models`, its price book, or the caller; `null` where none was asked for. */
  readonly source: 'catalog' | 'book' | 'reported' | null
  /** The version of the model's rates, a digest at its end. */
  readonly rates: string | null
  /** Whether what the version stands for is kept, so that everything here could be worked out again. */
  readonly areKept: boolean
}

/** What the provider's prices come to, before discount and margin. */
export interface ExplainedCost {
  readonly pools: readonly ExplainedPool[]
  readonly costUsd: string
  readonly currency: string
}

/** Whether what is stored is what its own parts come to. */
export interface ExplainedChecks {
  /** The cost: counts at the prices that were used. */
  readonly cost: boolean
  /** The Sparks: cost or units at the rate that was used. */
  readonly sparks: boolean
  /** Who paid: the parts sum to the Sparks, the balance moved by those it paid, and the grants by what was burned. */
  readonly split: boolean
}

/** A hold beside the usage that was taken out of it. */
export interface ExplainedShare {
  readonly id: string
  readonly status: HoldStatus
  readonly reason: string
  /** What the usage it was taken for costs, and what was taken out of it in all. */
  readonly rated: string
  readonly captured: string
}

/** A row of usage, or one that corrects it. Sparks, quantities and costs are decimal text, moments RFC 3339. */
export interface ExplainedUsage {
  readonly kind: 'usage'
  readonly id: string
  readonly accountId: string
  readonly operation: EntryOperation
  /** The caller's key. */
  readonly key: string
  /** Of a correction: why, and what it corrects. */
  readonly reason: string
  readonly corrects: string | null
  /** `null` for what was taken out of a hold without a meter. */
  readonly meter: string | null
  readonly unit: string | null
  readonly aggregation: string | null
  readonly occurredAt: string
  readonly recordedAt: string
  /** Of a correction: what it should have been. */
  readonly reported: ExplainedReport
  readonly prices: ExplainedPrices
  /** Of a correction: of what it should have been. */
  readonly cost: ExplainedCost | null
  /** Of a correction: of what it should have been, or of a rate that looks at the period, of the difference. */
  readonly rating: ExplainedRating | null
  /** What the row added to its period and what that cost; differences, of a correction. */
  readonly quantity: string
  /** How many of the units the plan gave. */
  readonly included: string
  readonly sparks: string
  /** What the usage comes to after this row. */
  readonly total: { readonly quantity: string; readonly sparks: string; readonly costUsd: string | null }
  readonly settledBy: Readonly<Record<string, string>>
  readonly counterAccount: CounterAccount
  /** What it added to the balance. */
  readonly amount: string
  readonly balance: ExplainedBalance
  readonly burns: readonly ExplainedBurn[]
  /** The hold it settled, or took its share of. */
  readonly hold: ExplainedShare | null
  /** The rows that correct it, oldest first. */
  readonly corrections: readonly ExplainedUsage[]
  readonly deliveries: readonly ExplainedDelivery[]
  /** Whether all checks hold, those of its corrections too. */
  readonly agrees: boolean
  readonly checks: ExplainedChecks
  /** What does not agree, or could not be worked out, for people. */
  readonly problems: readonly string[]
}

type UsageRow = LedgerEntry & { readonly usage: EntryUsage }

/** Explains a row of usage, with the rows that correct it; or one of those by itself. */
export async function explainUsage(ctx: BillingContext, entry: UsageRow): Promise<ExplainedUsage> {
  const { accountId, corrects } = entry
  const original = corrects === null ? entry : await ctx.store.ledger.entry(accountId, corrects)
  const rows = original ? [original, ...(await ctx.store.ledger.corrections(accountId, [original.id]))] : [entry]
  const usages = rows.filter(isUsage)
  const explained: ExplainedUsage[] = []
  for (const [index, row] of usages.entries()) {
    if (corrects !== null && row.id !== entry.id) continue
    explained.push(await explainRow(ctx, usages.slice(0, index + 1)))
  }
  const [first, ...corrections] = explained
  if (!first) throw new BillingError('invariant_violated', `Usage ${entry.id} cannot be found among its corrections.`)
  return { ...first, corrections, agrees: explained.every(({ agrees }) => agrees) }
}

/** Whether a row is for usage. */
export function isUsage(row: LedgerEntry): row is UsageRow {
  return row.usage !== null
}

/** Explains the last of these rows: a usage row, followed by rows that correct it. */
async function explainRow(ctx: BillingContext, rows: readonly UsageRow[]): Promise<ExplainedUsage> {
  const row = rows.at(-1) as UsageRow
  const { usage } = row
  const prices = await keptPrices(ctx, usage.priceVersion)
  const total = totalsOf(rows)
  const meter = prices.catalog?.meters.get(usage.meter)
  const cost = explainCost(prices, usage, total.costUsd, rows.length > 1)
  const rating = await explainSparks(ctx, rows, prices, cost.costUsd)
  const problems = [...cost.problems, ...rating.problems, ...splitProblems(row, rating.isNet)]
  const checks = {
    cost: cost.problems.length === 0,
    sparks: rating.problems.length === 0,
    split: splitProblems(row, rating.isNet).length === 0,
  }
  const [burns, deliveries, hold] = await Promise.all([
    explainBurns(ctx, row),
    explainDeliveries(ctx, row),
    usage.holdId === null ? null : explainShare(ctx, row.accountId, usage.holdId),
  ])
  return {
    kind: 'usage',
    id: row.id,
    accountId: row.accountId,
    operation: row.operation,
    key: row.key,
    reason: row.reason,
    corrects: row.corrects,
    meter: usage.meter || null,
    unit: meter?.unit ?? null,
    aggregation: meter?.aggregation ?? null,
    occurredAt: moment(usage.occurredAt),
    recordedAt: moment(row.recordedAt),
    reported: {
      quantity: formatQuantity(usage.measured),
      tokens: usage.tokens,
      model: usage.model,
      provider: usage.provider,
      serviceTier: usage.serviceTier,
      dimensions: usage.dimensions,
    },
    prices: {
      version: prices.version,
      source: prices.source,
      rates: prices.ratesVersion,
      areKept: prices.catalog !== null && (prices.ratesVersion === null || prices.rates !== null),
    },
    cost: cost.view,
    rating: rating.rated?.view ?? null,
    quantity: formatQuantity(usage.quantity),
    included: formatQuantity(usage.included),
    sparks: formatSparks(usage.sparks),
    total: { quantity: formatQuantity(total.quantity), sparks: formatSparks(total.sparks), costUsd: total.costUsd },
    settledBy: sparksByName(usage.settledBy),
    counterAccount: row.counterAccount,
    amount: formatSparks(row.amount),
    balance: explainBalance(row),
    burns,
    hold,
    corrections: [],
    deliveries,
    agrees: problems.length === 0,
    checks,
    problems,
  }
}

async function explainShare(ctx: BillingContext, accountId: string, holdId: string): Promise<ExplainedShare | null> {
  const hold = await ctx.store.ledger.hold(accountId, holdId)
  if (!hold) return null
  const { id, status, reason, rated, captured } = hold
  return { id, status, reason, rated: formatSparks(rated), captured: formatSparks(captured) }
}

interface CostAnswer {
  readonly view: ExplainedCost | null
  /** What it comes to by its parts. */
  readonly costUsd: string | null
  readonly problems: readonly string[]
}

/** The cost again, out of the counts and the rates that were kept. */
function explainCost(prices: KeptPrices, usage: EntryUsage, stored: string | null, isCorrection: boolean): CostAnswer {
  const currency = prices.catalog?.currency ?? 'USD'
  const view = (costUsd: string, pools: readonly ExplainedPool[]) => ({ pools, costUsd, currency })
  const isNothing = usage.tokens === null && usage.measured === 0n && (stored ?? '0') === '0'
  if (isCorrection && isNothing)
    return { view: stored === null ? null : view(stored, []), costUsd: stored, problems: [] }
  if (prices.source === null || prices.source === 'reported') {
    const isThere = stored !== null
    const problems =
      isThere === (prices.source === 'reported') ? [] : [`The cost is ${stored ?? 'missing'}, against its version.`]
    return { view: isThere ? view(stored, []) : null, costUsd: stored, problems }
  }
  if (!prices.rates || !usage.tokens || usage.model === null) {
    const problem = `The rates ${prices.ratesVersion} of model ${usage.model} are not kept.`
    return { view: stored === null ? null : view(stored, []), costUsd: stored, problems: [problem] }
  }
  // A correction may name another tier than the event, which stays listed under its own.
  const own = usage.serviceTier ?? 'standard'
  const tiers = isCorrection ? [own, ...(['standard', 'batch', 'priority'] as const)] : [own]
  const answers = tiers.flatMap((serviceTier) => linesAt(prices, usage, serviceTier))
  const found = answers.find((answer) => answer.costUsd === stored) ?? answers[0]
  if (!found)
    return { view: null, costUsd: stored, problems: ['The rates that are kept have no price for these tokens.'] }
  const problems =
    found.costUsd === stored ? [] : [`The cost is stored as ${stored}, and its parts come to ${found.costUsd}.`]
  return { view: view(found.costUsd, found.lines.map(explainPool)), costUsd: found.costUsd, problems }
}

function linesAt(
  { rates }: KeptPrices,
  { tokens, model }: EntryUsage,
  serviceTier: ServiceTier,
): readonly { readonly lines: readonly CostLine[]; readonly costUsd: string }[] {
  if (!rates || !tokens) return []
  try {
    const lines = costLines(rates, { model: model ?? '', tokens, serviceTier })
    const sum = lines.reduce((total, { cost }) => addDecimal(total, cost), decimal('0'))
    return [{ lines, costUsd: formatDecimal(sum) }]
  } catch (error) {
    if (BillingError.is(error) && error.code === 'model_not_priced') return []
    throw error
  }
}

interface SparksAnswer {
  readonly rated: Rated | null
  /** Whether the Sparks are of the units only that the plan does not give. */
  readonly isNet: boolean
  readonly problems: readonly string[]
}

/** The Sparks again, at the rate that was agreed with the account then, or else at the catalog's. */
async function explainSparks(
  ctx: BillingContext,
  rows: readonly UsageRow[],
  { catalog, version }: KeptPrices,
  costUsd: string | null,
): Promise<SparksAnswer> {
  const row = rows.at(-1) as UsageRow
  const { usage } = row
  if (usage.meter === '') return { rated: null, isNet: false, problems: [] }
  const meter = catalog?.meters.get(usage.meter)
  if (!catalog || !meter) {
    const problem = `No prices of version ${version} are kept for meter ${usage.meter}.`
    return { rated: null, isNet: false, problems: [problem] }
  }
  const isOwn = meter.aggregation !== 'sum' && meter.aggregation !== 'count'
  // What was agreed when the event was posted holds for its corrections too.
  const agreed = await agreedRate(ctx, rows[0] as UsageRow)
  const rate = agreed ?? meter.rate
  const from = agreed ? 'terms' : 'catalog'
  if (!rate) return noRate(usage.sparks)
  if (isPeriodRated(rate) && row.operation !== 'usage') return explainChange(ctx, catalog, { rate, from }, rows)
  if (isPeriodRated(rate) || isOwn) {
    const total = await periodTotal(ctx, row)
    const rated = explainTotal(catalog, rate, from, total)
    return { rated, isNet: true, problems: [...total.problems, ...differs(usage.sparks, rated.sparks)] }
  }
  const expected = totalsOf(rows).sparks
  const isVoid = rows.length > 1 && usage.measured === 0n && usage.tokens === null && (costUsd ?? '0') === '0'
  const isCostAlone = usage.measured === 0n && usage.tokens === null && costUsd !== null
  const quantities = isCostAlone && !isVoid ? [0n, undefined] : [usage.measured]
  const answers = quantities.map((quantity) =>
    explainEvent(catalog, rate, from, { quantity, costUsd: isVoid ? '0' : costUsd }),
  )
  const rated = answers.find(({ sparks }) => sparks === expected) ?? (answers[0] as Rated)
  return { rated, isNet: false, problems: differs(expected, rated.sparks) }
}

/** What a correction changed the price of a period's total by: of its own event, or after a void of the other events. */
async function explainChange(
  ctx: BillingContext,
  card: CatalogCard,
  { rate, from }: { readonly rate: PeriodRate; readonly from: ExplainedRating['from'] },
  rows: readonly UsageRow[],
): Promise<SparksAnswer> {
  const row = rows.at(-1) as UsageRow
  const { usage } = row
  const own = ownUnits(row.corrects === null ? await voidedWith(ctx, row) : rows.slice(0, -1))
  if (row.corrects !== null && usage.measured === 0n)
    return { rated: null, isNet: true, problems: differs(usage.sparks, -own.sparks) }
  const total = await periodTotal(ctx, row)
  const { view } = explainTotal(card, rate, from, total)
  const period = { units: total.before, sparks: total.rated }
  const units = own.units + usage.quantity - usage.included
  const sparks =
    row.corrects === null
      ? priceOfTotal(rate, total.before - own.units) - (total.rated - own.sparks)
      : amendedPrice(rate, period, own, units) - own.sparks
  const rated = { view: { ...view, sparks: formatSparks(sparks) }, sparks }
  return { rated, isNet: true, problems: [...total.problems, ...differs(usage.sparks, sparks)] }
}

function ownUnits(rows: readonly LedgerEntry[]): RatedUnits {
  const { quantity, included, sparks } = totalsOf(rows)
  return { units: quantity - included, sparks }
}

/** The event whose void had the others rated anew, with what corrected it before. */
async function voidedWith(ctx: BillingContext, { accountId, key }: UsageRow): Promise<readonly LedgerEntry[]> {
  const amendment = await ctx.store.ledger.entry(accountId, key.slice('accrue:void.'.length))
  const event = amendment?.corrects ? await ctx.store.ledger.entry(accountId, amendment.corrects) : null
  if (!amendment || !event) throw new BillingError('invariant_violated', `The void behind ${key} is not there.`)
  const corrections = await ctx.store.ledger.corrections(accountId, [event.id])
  return [
    event,
    ...corrections.slice(
      0,
      corrections.findIndex(({ id }) => id === amendment.id),
    ),
  ]
}

function differs(stored: MicroSparks, expected: MicroSparks): readonly string[] {
  if (stored === expected) return []
  return [`${formatSparks(stored)} Sparks are stored, and their parts come to ${formatSparks(expected)}.`]
}

/** A level is limited, and costs nothing. */
function noRate(sparks: MicroSparks): SparksAnswer {
  return { rated: null, isNet: false, problems: differs(sparks, 0n) }
}

/** What the period had come to when a row was added to it, in units that the plan did not give: the sum of the rows before it. */
async function periodTotal(
  ctx: BillingContext,
  row: UsageRow,
): Promise<PeriodTotal & { readonly rated: MicroSparks; readonly problems: readonly string[] }> {
  const { usage, result } = row
  if (result.kind !== 'usage') throw new BillingError('invariant_violated', `Usage ${row.id} has another result.`)
  const { periodStartsAt: startsAt, resetsAt: endsAt } = result.quota
  let used = 0n
  let included = 0n
  let rated = 0n
  let before: string | undefined
  let isAfterRow = true
  for (;;) {
    // Usage may be told a few minutes ahead of its time.
    const filter = { meter: usage.meter, recordedFrom: startsAt - 600_000, recordedTo: row.recordedAt + 1 }
    const page = {
      limit: 500,
      usage: { ...filter, withCorrections: true },
      ...(before === undefined ? {} : { before }),
    }
    const rows = await ctx.store.ledger.entries(row.accountId, page)
    for (const other of rows) {
      before = other.cursor
      if (!isAfterRow && isUsage(other) && isOfPeriod(other, startsAt)) {
        used += other.usage.quantity
        included += other.usage.included
        rated += other.usage.sparks
      }
      if (other.id === row.id) isAfterRow = false
    }
    if (rows.length < 500) break
  }
  const counted = result.quota.used - usage.quantity
  const problems =
    used === counted
      ? []
      : [`The period had ${formatQuantity(counted)} units before it, and its rows come to ${formatQuantity(used)}.`]
  const units: MicroUnits = used - included
  return { startsAt, endsAt, before: units, after: units + usage.quantity - usage.included, rated, problems }
}

function isOfPeriod({ result }: LedgerEntry, startsAt: number): boolean {
  return result.kind === 'usage' && result.quota.periodStartsAt === startsAt
}

/** What of a row's split does not follow from the rest of it. */
function splitProblems(row: UsageRow, isNet: boolean): readonly string[] {
  const { usage, amount } = row
  const { settledBy, sparks } = usage
  const problems: string[] = []
  const sum = Object.values(settledBy).reduce((total, part) => total + part, 0n)
  if (sum !== sparks)
    problems.push(`The parts of who paid sum to ${formatSparks(sum)} Sparks, not to ${formatSparks(sparks)}.`)
  const taken = (settledBy.credits ?? 0n) + (settledBy.debt ?? 0n)
  if (taken !== -amount)
    problems.push(
      `Credits and debt are ${formatSparks(taken)} Sparks, and the balance moved by ${formatSparks(amount)}.`,
    )
  const burned = row.burns.reduce((total, burn) => total + burn.amount, 0n)
  // A correction may give back as credits what was debt and has been paid since.
  if (row.corrects === null && burned !== (settledBy.credits ?? 0n))
    problems.push(
      `Credits paid ${formatSparks(settledBy.credits ?? 0n)} Sparks, and ${formatSparks(burned)} were burned.`,
    )
  const allowance = allowanceOf(usage, isNet, row.corrects !== null)
  if (allowance !== null && allowance !== (settledBy.allowance ?? 0n))
    problems.push(`The plan gave units for ${formatSparks(allowance)} Sparks, and ${nameOf(settledBy)} says otherwise.`)
  return [...problems, ...burnProblems(row)]
}

function nameOf({ allowance = 0n }: SettledBy): string {
  return `an allowance of ${formatSparks(allowance)}`
}

/** In proportion to the units that the plan gave, where that decides it. */
function allowanceOf(
  { quantity, included, sparks, settledBy }: EntryUsage,
  isNet: boolean,
  isCorrection: boolean,
): MicroSparks | null {
  if (isNet || isCorrection || quantity <= 0n || settledBy.byo !== undefined || settledBy.written_off !== undefined)
    return null
  return sparks - divide(sparks * (quantity - included), quantity, 'half_even')
}

/** What of a row's burns does not follow from how it moved the balance: a debit burns what there was, a credit pays debt first. */
export function burnProblems({ amount, balanceAfter, burns }: LedgerEntry): readonly string[] {
  const before = balanceAfter - amount
  const burned = burns.reduce((sum, burn) => sum + burn.amount, 0n)
  const there = before > 0n ? before : 0n
  const owed = before < 0n ? -before : 0n
  const expected = amount < 0n ? least(-amount, there) : least(owed, amount) - amount
  if (burned === expected) return []
  return [`The grants moved by ${formatSparks(burned)} Sparks, not by ${formatSparks(expected)}.`]
}
