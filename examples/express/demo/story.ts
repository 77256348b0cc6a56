import { formatSparks, parseSparks } from 'billfold'
import { catalog } from '../billing.js'
import {
  type Generation,
  readGenerations,
  readMeterTotal,
  resendCheckoutWebhook,
  type SandboxAddress,
} from './books.js'
import { formatCost, parseCost } from './cost.js'
import type { ParrotClient, Receipt, Refusal } from './parrot-client.js'
import { figure, type Report } from './report.js'
import { traffic } from './traffic.js'

/** Whom the story is about, and where it is told. */
export interface Stage {
  readonly parrot: ParrotClient
  readonly sandbox: SandboxAddress
  /** Who signs up. */
  readonly email: string
  /** What the app announced so far, by event type. */
  readonly announced: () => readonly string[]
  readonly report: Report
}

const burstSize = 240
const atATime = 24
const testCard = '4242424242424242'

/** From a free account to a paid one and back to work, over HTTP, with everybody's books compared at the end. */
export async function playStory(stage: Stage): Promise<void> {
  const receipts = new Map<string, Receipt>()
  const accountId = await signUp(stage)
  await burst(stage, receipts)
  await repeat(stage, receipts)
  let next = await until(stage, receipts, burstSize, 'near_quota')
  next = await until(stage, receipts, next, 'at_quota')
  const refused = await untilRefused(stage, receipts, next)
  await buy(stage, refused.remedy)
  await goOn(stage, receipts, refused.index)
  await compare(stage, accountId, receipts)
}

async function signUp({ parrot, email, report }: Stage): Promise<string> {
  report.step('A new account with free credit')
  const { id, plan } = await parrot.signIn(email)
  const { quota, balance } = await parrot.standing()
  report.fact(`${email}: plan ${plan} with ${figure(quota.limit)} tokens a month, ${figure(balance)} Sparks given`)
  return id
}

async function burst(stage: Stage, receipts: Map<string, Receipt>): Promise<void> {
  const { report } = stage
  report.step(`${burstSize} requests of a real trace, ${atATime} at a time`)
  const start = performance.now()
  const waiting = [...traffic.keys()].slice(0, burstSize)
  const work = async () => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
      const receipt = await use(stage, index)
      receipts.set(receipt.id, receipt)
    }
  }
  await Promise.all(Array.from({ length: atATime }, work))
  const seconds = (performance.now() - start) / 1000
  const { quota, usage } = await stage.parrot.standing()
  report.fact(`${figure(quota.used)} tokens in ${seconds.toFixed(2)} s, rated at ${figure(usage.sparks)} Sparks`)
  report.check('tokens counted', figure(tokensOf(0, burstSize)), figure(quota.used))
  report.check('usage events', burstSize, usage.events)
  report.fact(standing(quota))
}

async function repeat(stage: Stage, receipts: Map<string, Receipt>): Promise<void> {
  const { parrot, report } = stage
  report.step('The network stutters: 20 requests are sent again, 3 times each')
  const again = [...traffic.keys()].slice(0, 20)
  const answers = await Promise.all([...again, ...again, ...again].map((index) => use(stage, index)))
  const { usage } = await parrot.standing()
  report.check('answered as repeats', 60, answers.filter(({ status }) => status === 'duplicate').length)
  report.check('answered with the first receipt', 60, answers.filter(({ id }) => receipts.has(id)).length)
  report.check('usage events', burstSize, usage.events)
}

/** Goes on with the trace, one request after another, until the quota has this status. @returns the next index */
async function until(
  stage: Stage,
  receipts: Map<string, Receipt>,
  from: number,
  status: 'near_quota' | 'at_quota',
): Promise<number> {
  const { report } = stage
  report.step(status === 'near_quota' ? 'The trace goes on: near the quota' : 'The trace goes on: at the quota')
  for (let index = from; index < traffic.length; index += 1) {
    const receipt = await use(stage, index)
    receipts.set(receipt.id, receipt)
    if (receipt.quota.status !== status) continue
    report.fact(`after ${index + 1 - from} more requests: ${standing(receipt.quota)}`)
    const { credits = '0' } = receipt.settled_by
    if (parseSparks(credits) > 0n)
      report.fact(`from here on credits pay: ${figure(credits)} Sparks of the last request`)
    return index + 1
  }
  throw new Error(`The trace ended before the quota was ${status}.`)
}

async function untilRefused(stage: Stage, receipts: Map<string, Receipt>, from: number) {
  const { parrot, report } = stage
  report.step('The free credit runs out: throttled')
  for (let index = from; index < traffic.length; index += 1) {
    const { status, body } = await send(stage, index)
    if (status === 200) {
      const { usage } = body as { readonly usage: Receipt }
      receipts.set(usage.id, usage)
      continue
    }
    const { error } = body as Refusal
    const { quota, balance } = await parrot.standing()
    const topUp = error.remedies.find(({ kind }) => kind === 'top_up')
    report.fact(`after ${index - from} more requests: HTTP ${status} ${error.code}, ${figure(balance)} Sparks left`)
    report.fact(`remedies: ${error.remedies.map(inWords).join('; ')}`)
    report.check('HTTP status', 402, status)
    report.check('quota', 'throttled', quota.status)
    return { index, remedy: String(topUp?.package) }
  }
  throw new Error('The trace ended before a request was refused.')
}

async function buy({ parrot, sandbox, report }: Stage, name: string): Promise<void> {
  report.step(`The remedy: buying the ${name} pack`)
  const before = await parrot.standing()
  const { body } = await parrot.post('/api/billing/checkout', { kind: 'package', package: name })
  const { checkout_id: id, checkout_url: url } = body as {
    readonly checkout_id: string
    readonly checkout_url: string
  }
  report.fact(`hosted page ${url}`)
  const standing = () => parrot.get<{ readonly status: string }>(`/api/billing/checkout/${id}`)
  report.check('the checkout before paying', 'open', (await standing()).status)

  await fetch(`${url}/pay`, {
    method: 'POST',
    body: new URLSearchParams({ card: testCard }),
    redirect: 'manual',
  })
  const start = performance.now()
  const after = await eventually(
    () => parrot.standing(),
    ({ balance }) => balance !== before.balance,
    'The webhook did not arrive.',
  )
  report.fact(`paid; the webhook came by itself and was applied within ${Math.round(performance.now() - start)} ms`)
  report.check('the checkout after paying', 'paid', (await standing()).status)
  const delivered = await resendCheckoutWebhook(sandbox)
  const last = await parrot.standing()
  const expected = parseSparks(before.balance) + (catalog.packages.get(name)?.sparks ?? 0n)
  report.check('webhook delivered', '2 times', `${delivered} times`)
  report.check('Sparks after the purchase', figure(formatSparks(expected)), figure(after.balance))
  report.check('Sparks after redirect and second webhook', figure(formatSparks(expected)), figure(last.balance))
}

async function goOn(stage: Stage, receipts: Map<string, Receipt>, from: number): Promise<void> {
  const { parrot, report } = stage
  report.step('Service is restored')
  for (let index = from; index < traffic.length; index += 1) {
    const receipt = await use(stage, index)
    receipts.set(receipt.id, receipt)
  }
  const { quota, balance } = await parrot.standing()
  report.fact(`the refused request and ${traffic.length - from - 1} more were served, paid from credits`)
  report.fact(`${standing(quota)}; ${figure(balance)} Sparks left`)
}

/** Waits until everybody has been told, and compares what they know. */
async function compare(stage: Stage, accountId: string, receipts: ReadonlyMap<string, Receipt>): Promise<void> {
  const { parrot, sandbox, announced, report } = stage
  report.step('The books agree')
  const start = performance.now()
  // Usage of the minute that is going on would be told when it is over.
  await parrot.post('/api/sync', {})
  await eventually(
    () => parrot.get<{ readonly deliveries: readonly unknown[] }>('/api/sync'),
    ({ deliveries }) => deliveries.length === 0,
    'The outbox did not empty.',
  )
  report.fact(`outbox empty after ${((performance.now() - start) / 1000).toFixed(2)} s`)

  const { usage, balance, quota } = await parrot.standing()
  const all = [...receipts.values()]
  const rated = sum(all.map(({ sparks }) => parseSparks(sparks)))
  report.check('Ledger: usage events', traffic.length, usage.events)
  report.check('Ledger: tokens', figure(tokensOf(0, traffic.length)), figure(quota.used))
  const byHand = sum([...traffic.keys()].map(rateByHand))
  report.check('Ledger: Sparks rated, worked out by hand', figure(formatSparks(byHand)), figure(usage.sparks))
  report.check('Ledger: sum of receipts', figure(formatSparks(rated)), figure(usage.sparks))

  const moved = sum((await transactions(parrot)).map(({ amount }) => parseSparks(amount)))
  report.check('Ledger: balance = sum of transactions', figure(formatSparks(moved)), figure(balance))

  const meter = await readMeterTotal(sandbox, 'billfold_ai_tokens')
  const carry = rated - parseSparks(meter.sum)
  report.fact(
    `Stripe counted ${figure(meter.sum)} Sparks in ${figure(meter.count)} meter events; ${formatSparks(carry)} Sparks are carried`,
  )
  report.check('Stripe: whole Sparks of the ledger', figure(rated / 1_000_000n), figure(meter.sum))
  report.check('Stripe: carry is below one Spark', 'yes', carry >= 0n && carry < 1_000_000n ? 'yes' : 'no')

  const generations = await readGenerations(sandbox, accountId)
  const cost = sum(all.map(({ cost_usd: text }) => parseCost(text ?? '0')))
  report.check('Langfuse: generations = usage events', usage.events, generations.length)
  report.check('Langfuse: generations with their own cost', all.length, agreeing(generations, receipts))
  report.check(
    'Langfuse: cost in USD',
    formatCost(cost),
    formatCost(sum(generations.map((row) => parseCost(row.totalCost)))),
  )

  const [first] = all
  if (first) {
    const now = await parrot.get<Receipt>(`/api/usage/${first.id}`)
    report.fact(`the first receipt said ${deliveriesOf(first)}`)
    for (const provider of Object.keys(first.deliveries)) {
      report.check(`The first receipt now: ${provider}`, 'delivered', now.deliveries[provider] ?? 'unknown')
    }
  }
  for (const state of ['near', 'reached', 'throttled', 'restored']) {
    report.check(`Event quota.${state}`, 1, announced().filter((type) => type === `quota.${state}`).length)
  }
}

// --- the parts ---

/** The model that a request of the trace goes to. */
function modelOf(index: number): keyof typeof microSparksPerToken {
  return index % 3 === 0 ? 'parrot-large' : 'parrot-mini'
}

/** Dollars per million tokens × margin 1.2 ÷ $0.00004 a Spark: 30,000 micro-sparks a token for each of those dollars. */
const microSparksPerToken = {
  'parrot-mini': { input: 6_000n, output: 24_000n },
  'parrot-large': { input: 90_000n, output: 450_000n },
} as const

/** What a request of the trace costs, in micro-sparks: its model's cost, or 100 Sparks per 1,000 tokens where that is more. */
function rateByHand(index: number): bigint {
  const { input, output } = traffic[index] ?? { input: 0, output: 0 }
  const price = microSparksPerToken[modelOf(index)]
  const byCost = BigInt(input) * price.input + BigInt(output) * price.output
  const perUnit = BigInt(input + output) * 100_000n
  return byCost > perUnit ? byCost : perUnit
}

/** Sends a request of the trace under a key of its own. */
function send({ parrot }: Stage, index: number) {
  const body = { prompt: `Request ${index} of the trace`, model: modelOf(index), tokens: traffic[index] }
  return parrot.post('/api/complete', body, { 'idempotency-key': `trace-${index}` })
}

/** Sends a request that must be served. */
async function use(stage: Stage, index: number): Promise<Receipt> {
  const { status, body } = await send(stage, index)
  if (status === 200) return (body as { readonly usage: Receipt }).usage
  throw new Error(`Request ${index} was answered ${status}: ${JSON.stringify(body)}`)
}

async function transactions(parrot: ParrotClient) {
  const found: { readonly amount: string }[] = []
  let next: string | null = '/api/billing/credits/transactions'
  while (next !== null) {
    const page: { readonly results: readonly { readonly amount: string }[]; readonly next: string | null } =
      await parrot.get(next)
    found.push(...page.results)
    next = page.next
  }
  return found
}

function agreeing(generations: readonly Generation[], receipts: ReadonlyMap<string, Receipt>): number {
  return generations.filter(({ totalCost, metadata }) => {
    const cost = receipts.get(metadata.billfold_usage_id)?.cost_usd
    return typeof cost === 'string' && parseCost(cost) === parseCost(totalCost)
  }).length
}

async function eventually<T>(read: () => Promise<T>, isDone: (value: T) => boolean, otherwise: string): Promise<T> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const value = await read()
    if (isDone(value)) return value
    if (performance.now() > deadline) throw new Error(`${otherwise} Last seen: ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function tokensOf(from: number, to: number): number {
  return traffic.slice(from, to).reduce((total, { input, output }) => total + input + output, 0)
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}

function standing({ status, used, limit }: { readonly status: string; readonly used: string; readonly limit: string }) {
  const permille = (BigInt(used) * 1000n) / BigInt(limit)
  return `${status}: ${figure(used)} of ${figure(limit)} tokens (${permille / 10n}.${permille % 10n} %)`
}

function deliveriesOf({ deliveries }: Receipt): string {
  return Object.entries(deliveries)
    .map(([provider, status]) => `${provider} ${status}`)
    .join(', ')
}

function inWords(remedy: Readonly<Record<string, unknown>>): string {
  if (remedy.kind === 'top_up')
    return `top up ${figure(String(remedy.missing_sparks))} Sparks or more (pack: ${remedy.package})`
  if (remedy.kind === 'smaller_request') return `ask for at most ${figure(String(remedy.quantity))} tokens`
  if (remedy.kind === 'upgrade') return `change to the ${remedy.plan} plan`
  return String(remedy.kind)
}
